-- A job that has failed, or was lost, is queued again, behind those that wait, with
-- all its attempts.

local id = ARGV[1]
local state, ended, ttl, queue, order, attempt, share, key =
    get(id, 'state', 'ended', 'ttl', 'queue', 'order', 'attempt', 'share',
        'key')

if not state or ended and now >= ended + ttl then
    return { 'none' }
end

if not KEEPS[state] then
    return { 'busy' }
end

-- a thread of a worker that lives has it

local busy = get(id, 'busy')

if busy and call('ZSCORE', P .. 'leases', busy) then
    return { 'busy' }
end

if call('EXISTS', P .. 'in:' .. id) == 0 then
    return { 'gone' }
end

in_any_case()

call('DEL', P .. 'out:' .. id)
call('ZREM', P .. 'over', id)

for _, name in ipairs({ 'job:', 'in:', 'events:' }) do
    call('PERSIST', P .. name .. id)
end

if share ~= '' then
    call('ZADD', P .. 'share:' .. share, 0, id)
end

if key ~= '' and call('GET', P .. 'key:' .. key) == id then
    call('PERSIST', P .. 'key:' .. key)
end

local number = call('INCR', P .. 'number')

move(id, state, 'queued', order)
call('HDEL', P .. 'job:' .. id, 'ended', 'status', 'type', 'started', 'done',
     'total', 'message', 'cancel', 'busy')
set(id, 'owner', '', 'number', number, 'before', attempt, 'since', now)
call('INCR', P .. 'retried')
changed(id)
wait(id, queue, number)

return { 'ok' }
