-- Accepts a job.  It is the worker's at once if he has room, and no other one
-- waits.  It may be asked for again with the same id: then the same is
-- answered.

local id, queue, input, owner, session, claim, waiting, share, max, ttl,
      attempts, key, print = unpack(ARGV)

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

    if other and call('EXISTS', P .. 'job:' .. other) == 1 then
        return { get(other, 'print') == print and 'same' or 'other', other }
    end
end

local n = call('ZCARD', P .. 'queue:' .. queue)
local mine = tonumber(claim) > 0 and n == 0 and is_session(owner, session)

if not mine
   and n - call('SCARD', P .. 'hungry:' .. queue) >= tonumber(waiting)
then
    return { 'queue', n }
end

-- an old job of the location goes for a new one, if any has ended

max = tonumber(max)

if max > 0 then
    local name = P .. 'share:' .. share

    call('ZREMRANGEBYSCORE', name, 1, now - ttl)

    while call('ZCARD', name) >= max do
        local oldest = call('ZRANGEBYSCORE', name, 1, '+inf', 'LIMIT', 0, 1)[1]

        if not oldest then
            return { 'share' }
        end

        call('ZREM', name, oldest)
        erase(oldest)
    end

    call('ZADD', name, 0, id)
end

local number = call('INCR', P .. 'number')

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
    return { 'ok', 1, 0, tostring(own(id, owner)) }
end

wait(id, queue, number)

return { 'ok', 0, n, '0' }
