-- A worker has connected, for the first time or again, and tells of each job that
-- it has: the id, the attempt, and how many milliseconds ago it has begun, which
-- is empty if it has not, and "back" if it waits again.  "heard" is the last of
-- its claims whose answer it has.
--
-- What it has claimed behind that, it does not know of: it waits again.  What it
-- knew, and does not name, has begun, and how it ended was not stored: it is
-- lost, now, or, of very many, when the worker is gone.  Answers which jobs are
-- not its own any more; or that it is dead, to be born again by another name.
--
-- One who has thousands of jobs says more words than may be unpacked.

local owner, session, lease, heard = ARGV[1], ARGV[2], ARGV[3],
                                     tonumber(ARGV[4])
local name = P .. 'owned:' .. owner

local before = call('HGET', P .. 'session', owner)

if session ~= '1' and not before then
    return { 'dead' }
end

-- a connection before this one, whose words come late

if before and tonumber(before) > tonumber(session) then
    return { 'late' }
end

in_any_case()
call('HSET', P .. 'session', owner, session)
call('ZADD', P .. 'leases', now + lease, owner)

-- An engine that comes back a moment older has forgotten the claim, and the job
-- waits, or is an attempt behind: it is claimed again, before another worker does.

local function claimed(id, attempt, begun)
    local state, his, tried = get(id, 'state', 'owner', 'attempt')

    if not state or is_ended(state) or his ~= '' and his ~= owner then
        return false
    end

    if tonumber(tried) >= tonumber(attempt) then
        return his == owner and tried == attempt
    end

    local queue, order = get(id, 'queue', 'order')

    call('ZREM', P .. 'queue:' .. queue, id)
    call('ZREM', P .. 'delayed', id)

    own(id, owner, heard)
    set(id, 'attempt', attempt)

    if state == 'queued' and begun ~= '' and begun ~= 'back' then
        move(id, state, 'running', order)
        set(id, 'started', now - begun)
    end

    changed(id)

    return true
end

local known = {}
local lost = {}

for i = 5, #ARGV, 3 do
    local id, attempt, begun = ARGV[i], ARGV[i + 1], ARGV[i + 2]

    if not claimed(id, attempt, begun) then
        lost[#lost + 1] = id

    elseif begun == 'back' then
        give_back(id, owner)

    else
        known[id] = true
    end
end

local max = 1000

for _, id in ipairs(call('SMEMBERS', name)) do
    if not known[id] then
        local claim = get(id, 'claim')

        if claim and tonumber(claim) > heard then
            give_back(id, owner)

        elseif max > 0 then
            lose(id, owner, '')
            max = max - 1
        end
    end
end

return { 'ok', lost }
