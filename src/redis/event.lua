-- Adds an event to a job, and drops its oldest ones for it.  The worker counts
-- its events: one that comes twice is added once.

local owner, session, id, attempt, number, max, text = unpack(ARGV)

local state = is_mine(id, owner, session, attempt)

if not state or is_ended(state) then
    return { 'late' }
end

local said, bytes = get(id, 'said', 'bytes')

if tonumber(number) <= tonumber(said) then
    return { 'ok' }
end

local name = P .. 'events:' .. id

bytes = (bytes or 0) + #text

while bytes > tonumber(max) and call('EXISTS', name) == 1 do
    bytes = bytes - #call('LPOP', name)
end

call('RPUSH', name, text)
set(id, 'said', number, 'bytes', bytes)
call('HINCRBY', P .. 'job:' .. id, 'event', 1)
changed(id, false, true)

return { 'ok' }
