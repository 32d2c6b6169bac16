-- The oldest job that waits becomes the worker's; with "older", only if it was
-- accepted so long ago.  Who finds none is told when there is one.  The worker
-- numbers what he sends: see enter.lua.

local owner, session, queue, older, number = unpack(ARGV)
local name = P .. 'queue:' .. queue

if not is_session(owner, session) then
    return { 'late' }
end

older = tonumber(older)

while true do
    local id = call('ZRANGE', name, 0, 0)[1]

    if not id then
        if older == 0 then
            call('SADD', P .. 'hungry:' .. queue, owner)
        end

        return { 'none' }
    end

    local created, since = get(id, 'created', 'since')
    local input = call('GET', P .. 'in:' .. id)

    if created and input then
        local age = now - (since or created)

        -- it is negative if the clock was set back

        if older > 0 and age < older then
            return { 'none' }
        end

        age = math.max(age, 0)

        in_any_case()
        call('SREM', P .. 'hungry:' .. queue, owner)
        call('ZREM', name, id)

        return { 'ok', id, tostring(own(id, owner, number)), age, input,
                 get(id, 'event') }
    end

    -- the engine was told to drop keys when it is full, and did

    call('ZREM', name, id)

    if created then
        finish(id, 'lost', '500', '', '')
    else
        erase(id)
    end
end
