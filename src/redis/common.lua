-- What each script begins with.
--
-- KEYS[1] is the prefix of all keys.  It has a hash tag, so that a cluster
-- keeps them in one place, and finds this place by it.
--
--   job:ID        hash: what is known of a job
--   in:ID         what it is made of
--   out:ID        its result, or what went wrong
--   events:ID     list: its newest events
--   queue:NAME    sorted set: the jobs that wait, by their number
--   hungry:NAME   set: the workers that have room, and found no job
--   delayed       sorted set: jobs that wait again, by the time when they do
--   session       hash: the number of each worker's connection
--   leases        sorted set: the workers, by the time when their lease ends
--   owned:WORKER  set: the jobs that a worker has claimed
--   asked:WORKER  set: those of them that are to be cancelled
--   all, state:X  sorted sets: jobs by their order, that of acceptance
--   over          sorted set: ended jobs, by the time when they are dropped
--   share:KEY     sorted set: jobs of a location with "max"; 0: not ended
--   key:NAME:KEY  the id of a job, by its Idempotency-Key
--   number, beat  the last job's number; when a worker was last heard
--   retried       how many jobs were queued again, as a client has asked for it
--   durable       what durable.lua writes
--
-- A worker learns of a job by the channel worker:WORKER, and who watches a job
-- by job:ID.  All times are this engine's, in milliseconds.
--
-- A job that waits is in its queue, or delayed, and has no owner.  A job that
-- was claimed has one, and is in his set: it may have begun, whatever its
-- state says, as only his own machine knows.

local P = KEYS[1]
local call = redis.call

local function clock()
    local t = call('TIME')

    return t[1] * 1000 + math.floor(t[2] / 1000)
end

local now = clock()

-- An engine that has no memory left refuses what could take more, but goes on
-- with a script that has written before.  What ends a job, gives it back or
-- renews a lease does not fail for that.

local function in_any_case()
    call('DEL', P .. 'none')
end

local function get(id, ...)
    return unpack(call('HMGET', P .. 'job:' .. id, ...))
end

local function set(id, ...)
    call('HSET', P .. 'job:' .. id, ...)
end

local function is_ended(state)
    return state ~= 'queued' and state ~= 'running'
end

-- tells who watches the job that it has changed; so it does for an event, which
-- leaves "change" as it is

local function changed(id, ended, event)
    local version = call('HINCRBY', P .. 'job:' .. id, 'version', 1)

    if not event then
        call('HINCRBY', P .. 'job:' .. id, 'change', 1)
    end

    call('PUBLISH', P .. 'job:' .. id, version .. (ended and ' 1' or ' 0'))
end

local function move(id, from, to, order)
    if from ~= to then
        call('ZREM', P .. 'state:' .. from, id)
        call('ZADD', P .. 'state:' .. to, order, id)
        set(id, 'state', to)
    end
end

-- one of the workers that have room is told that a job waits

local function wake(queue)
    local owner = call('SPOP', P .. 'hungry:' .. queue)

    while owner do
        local lease = call('ZSCORE', P .. 'leases', owner)

        if lease and tonumber(lease) > now then
            call('PUBLISH', P .. 'worker:' .. owner, 'ready ' .. queue)
            return
        end

        owner = call('SPOP', P .. 'hungry:' .. queue)
    end
end

-- It waits where it was: those that were accepted later are behind it.

local function wait(id, queue, number)
    call('ZADD', P .. 'queue:' .. queue, number, id)
    wake(queue)
end

-- how far a job is, as its function says; a message stays until another comes

local function is_so_far(id, done, total, message)
    if done and done ~= '' then
        set(id, 'done', done, 'total', total)
    end

    if message then
        set(id, 'message', message)
    end
end

-- The worker counts the events that he says: from 1 in each attempt.  "claim" is
-- the number of what he has sent that made the job his.

local function own(id, owner, claim)
    call('SADD', P .. 'owned:' .. owner, id)
    set(id, 'owner', owner, 'claim', claim, 'said', 0)

    return call('HINCRBY', P .. 'job:' .. id, 'attempt', 1)
end

local function disown(id, owner)
    if owner and owner ~= '' then
        call('SREM', P .. 'owned:' .. owner, id)
        call('SREM', P .. 'asked:' .. owner, id)
    end
end

local KEEPS = { failed = true, lost = true, dead = true }

-- The owner stays known, so that he may tell it twice.

local function finish(id, state, status, kind, result)
    local from, order, owner, ttl, share, key =
        get(id, 'state', 'order', 'owner', 'ttl', 'share', 'key')
    local later = ttl + 10000

    disown(id, owner)

    -- one of those may be tried again

    if KEEPS[state] then
        call('PEXPIRE', P .. 'in:' .. id, later)
    else
        call('DEL', P .. 'in:' .. id)
    end

    if result ~= '' then
        call('SET', P .. 'out:' .. id, result, 'PX', later)
    end

    move(id, from, state, order)
    set(id, 'ended', now, 'status', status, 'type', kind)

    call('ZADD', P .. 'over', now + ttl, id)

    if share ~= '' then
        call('ZADD', P .. 'share:' .. share, now, id)
    end

    if key ~= '' then
        call('PEXPIRE', P .. 'key:' .. key, later)
    end

    changed(id, true)

    call('PEXPIRE', P .. 'job:' .. id, later)
    call('PEXPIRE', P .. 'events:' .. id, later)
end

-- All that is known of an ended job goes.  The engine itself may have dropped a
-- job, if it was told to when it is full, or if nobody was there to do it here.

local function erase(id)
    local state, share, key = get(id, 'state', 'share', 'key')

    call('DEL', P .. 'job:' .. id, P .. 'in:' .. id, P .. 'out:' .. id,
         P .. 'events:' .. id)
    call('ZREM', P .. 'all', id)
    call('ZREM', P .. 'over', id)

    for _, s in ipairs(state and { state } or
                       { 'queued', 'running', 'done', 'failed', 'cancelled',
                         'timeout', 'lost', 'dead' })
    do
        call('ZREM', P .. 'state:' .. s, id)
    end

    if share and share ~= '' then
        call('ZREM', P .. 'share:' .. share, id)
    end

    if key and key ~= '' and call('GET', P .. 'key:' .. key) == id then
        call('DEL', P .. 'key:' .. key)
    end

    call('PUBLISH', P .. 'job:' .. id, '0 1')
end

-- one of this worker that the engine has dropped

local function vanish(id, owner)
    disown(id, owner)
    erase(id)
end

-- A job that has not begun waits again, and has not been tried.

local function give_back(id, owner)
    local state, queue, number, cancel, order =
        get(id, 'state', 'queue', 'number', 'cancel', 'order')

    if not state then
        vanish(id, owner)
        return
    end

    disown(id, owner)

    if cancel then
        finish(id, 'cancelled', '', '', '')
        return
    end

    set(id, 'owner', '')
    call('HINCRBY', P .. 'job:' .. id, 'attempt', -1)

    if state ~= 'queued' then
        move(id, state, 'queued', order)
        call('HDEL', P .. 'job:' .. id, 'started', 'done', 'total', 'message')
        changed(id)
    end

    wait(id, queue, number)
end

-- A job whose worker is gone, or cannot wait for it, may have done half of its
-- work.  Attempts before a client has had it queued again do not count.  As long
-- as a thread has the job it is not tried again, and stays the worker's.

local function lose(id, owner, why, busy)
    local state, attempt, attempts, cancel, order, before =
        get(id, 'state', 'attempt', 'attempts', 'cancel', 'order', 'before')

    if not state then
        vanish(id, owner)
        return
    end

    attempt = attempt - (before or 0)
    attempts = tonumber(attempts)

    if attempt >= attempts or cancel then
        set(id, 'owner', '')
        disown(id, owner)
        finish(id, attempts > 1 and not cancel and 'dead' or 'lost', '500', '',
               why)
        return
    end

    if busy then
        return
    end

    set(id, 'owner', '')
    disown(id, owner)
    move(id, state, 'queued', order)
    call('HDEL', P .. 'job:' .. id, 'started', 'done', 'total', 'message')
    call('ZADD', P .. 'delayed',
         now + math.min(1000 * 2 ^ (attempt - 1), 300000), id)
    changed(id)
end

-- The worker is dead: first, nothing is his any more.  Returns how many jobs of
-- his may still be looked at now.

local function bury(owner, max)
    call('HDEL', P .. 'session', owner)
    call('ZADD', P .. 'leases', 0, owner)

    local ids = call('SRANDMEMBER', P .. 'owned:' .. owner, max)

    for _, id in ipairs(ids) do
        lose(id, owner, '')
    end

    if call('EXISTS', P .. 'owned:' .. owner) == 0 then
        call('ZREM', P .. 'leases', owner)
        call('DEL', P .. 'asked:' .. owner)
    end

    return max - #ids
end

-- Each connection of a worker has a number of its own: what was sent by the one
-- before, and comes late, does nothing.

local function is_session(owner, session)
    return call('HGET', P .. 'session', owner) == session
end

-- returns the state of the job, if it is this worker's

local function is_mine(id, owner, session, attempt)
    local state, his, tried = get(id, 'state', 'owner', 'attempt')

    return his == owner and tried == attempt and is_session(owner, session)
           and state
end
