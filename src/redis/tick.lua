-- A worker calls it every so often: it renews the leases of those of its machine
-- that live, and learns what is to be cancelled, and how its queues are.  On the
-- way it does what nobody else does: it ends leases that are over, and drops
-- what is old.

local owner, session, lease, alive = unpack(ARGV)
local first = 5 + alive

lease = tonumber(lease)

if not is_session(owner, session) then
    return { 'late' }
end

in_any_case()

-- If no worker was heard for so long, then it was the engine that was away, or
-- its clock was changed: no lease ends before each had the time to renew it.

local beat = call('GET', P .. 'beat')

if not beat or now - beat > lease / 2 or beat - now > 1000 then
    for _, o in ipairs(call('ZRANGEBYSCORE', P .. 'leases', 1, '+inf')) do
        call('ZADD', P .. 'leases', now + lease, o)
    end
end

-- Its clock was set back: no job waits for another attempt for longer than any
-- does, five minutes.

if beat and beat - now > 1000 then
    local late = call('ZRANGEBYSCORE', P .. 'delayed', '(' .. now + 300000,
                      '+inf', 'WITHSCORES')

    for i = 1, #late, 2 do
        call('ZADD', P .. 'delayed', late[i + 1] - (beat - now), late[i])
    end
end

call('SET', P .. 'beat', now)

for i = 5, first - 1 do
    if call('HEXISTS', P .. 'session', ARGV[i]) == 1 then
        call('ZADD', P .. 'leases', now + lease, ARGV[i])
    end
end

local max = 200

for _, o in ipairs(call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0,
                        10))
do
    if max > 0 then
        max = bury(o, max)
    end
end

for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'delayed', '-inf', now, 'LIMIT',
                         0, 100))
do
    local queue, number = get(id, 'queue', 'number')

    call('ZREM', P .. 'delayed', id)

    if queue then
        wait(id, queue, number)
    end
end

-- so many ended jobs are dropped at a time; if there are more, he comes again

local over = call('ZRANGEBYSCORE', P .. 'over', '-inf', now, 'LIMIT', 0, 100)

for _, id in ipairs(over) do
    erase(id)
end

-- of each queue: how many jobs wait, and how many other workers have room

local queues = {}

for i = first, #ARGV do
    local name = P .. 'hungry:' .. ARGV[i]
    local other = call('SRANDMEMBER', name)

    if other and call('HEXISTS', P .. 'session', other) == 0 then
        call('SREM', name, other)
    end

    queues[#queues + 1] = call('ZCARD', P .. 'queue:' .. ARGV[i])
    queues[#queues + 1] = call('SCARD', name) - call('SISMEMBER', name, owner)
end

local counts = {}

for i, state in ipairs({ 'queued', 'running', 'done', 'failed', 'cancelled',
                         'timeout', 'lost', 'dead' })
do
    counts[i] = call('ZCARD', P .. 'state:' .. state)
end

-- how long the job waits that was queued first: as far as the queues of this
-- worker go, and else of those that never were tried again

local oldest = 0

local function look(id)
    if id then
        local created, since = get(id, 'created', 'since')

        oldest = math.max(oldest, created and now - (since or created) or 0, 1)
    end
end

look(call('ZRANGE', P .. 'state:queued', 0, 0)[1])

for i = first, #ARGV do
    look(call('ZRANGE', P .. 'queue:' .. ARGV[i], 0, 0)[1])
end

-- so the worker sees that its other connection is heard

call('PUBLISH', P .. 'worker:' .. owner, 'tick')

return { 'ok', call('SMEMBERS', P .. 'asked:' .. owner), queues, counts,
         oldest, call('GET', P .. 'retried') or '0', #over == 100 and 1 or 0 }
