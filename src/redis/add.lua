-- Accepts a job.  It is the worker's at once if he has room, and no other one
-- waits: "nth" is the number of what he sends, see enter.lua.  It may be asked
-- for again with the same id: then the same is answered.

local id, queue, input, owner, session, claim, waiting, share, max, ttl,
      attempts, key, print, nth = unpack(ARGV)

if call('EXISTS', P .. 'job:' .. id) == 1 then
    local his, attempt = get(id, 'owner', 'attempt')

    if his == owner and call('SISMEMBER', P .. 'owned:' .. owner, id) == 1
       and is_session(owner, session)
    then
        return { 'ok', 1, 0, attempt }
    end

    return { 'ok', 0, 0, attempt }
end

if key ~= '' then
    key = queue .. ':' .. key

    local other = call('GET', P .. 'key:' .. key)

    if other then
        local state, its, ended, kept = get(other, 'state', 'print', 'ended',
                                            'ttl')

        -- one that is over, and not dropped yet, is none: the key is the new one's

        if state and not (ended and now >= ended + kept) then
            return { its == print and 'same' or 'other', other, state }
        end
    end
end

-- "claim": the worker has room for so many jobs

local n = call('ZCARD', P .. 'queue:' .. queue)

claim = tonumber(claim)

local mine = claim > 0 and n == 0 and is_session(owner, session)

if not mine
   and n - call('SCARD', P .. 'hungry:' .. queue) >= tonumber(waiting)
then
    return { 'queue', n }
end

-- first of all a command that an engine without memory refuses: behind one that
-- it does not it would refuse none

local number = call('INCR', P .. 'number')

-- an old job of the location goes for a new one, if any has ended, and nobody is
-- to be told of it

local function unwatched(ids)
    for _, other in ipairs(ids) do
        local channel = P .. 'job:' .. other

        if call('PUBSUB', 'NUMSUB', channel)[2] == 0 then
            return other
        end
    end
end

max = tonumber(max)

if max > 0 then
    local name = P .. 'share:' .. share

    call('ZREMRANGEBYSCORE', name, 1, now - ttl)

    -- If it has many more than it may, as it might have more before, then some
    -- go for each new one.

    local over = math.min(call('ZCARD', name) - max + 1, 100)

    for _ = 1, over do
        local oldest = unwatched(call('ZRANGEBYSCORE', name, 1, '+inf',
                                      'LIMIT', 0, 10))

        if not oldest then
            return { 'share' }
        end

        call('ZREM', name, oldest)
        erase(oldest)
    end

    call('ZADD', name, 0, id)
end

set(id, 'state', 'queued', 'queue', queue, 'number', number, 'created', now,
    'order', number, 'owner', '', 'attempt', 0, 'attempts', attempts, 'version', 1, 'change', 1,
    'event', 0, 'ttl', ttl, 'share', max > 0 and share or '', 'key', key,
    'print', print)

call('SET', P .. 'in:' .. id, input)
call('ZADD', P .. 'all', number, id)
call('ZADD', P .. 'state:queued', number, id)

if key ~= '' then
    call('SET', P .. 'key:' .. key, id)
end

if mine then
    if claim == 1 then
        call('SREM', P .. 'hungry:' .. queue, owner)
    end

    return { 'ok', 1, 0, tostring(own(id, owner, nth)) }
end

wait(id, queue, number)

return { 'ok', 0, n, '0' }
