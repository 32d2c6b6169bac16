-- Ends a job, which has begun so many milliseconds ago, or has not.  A worker
-- that has to end cannot wait for it: its state is "lost".  With "busy" a thread
-- still has it, and returned.lua is to follow.

local owner, session, id, attempt, ago, state, status, kind, result, busy,
    done, total, message = unpack(ARGV)

local before = is_mine(id, owner, session, attempt)

if not before then
    return { 'late' }
end

-- it was told before, and the answer did not arrive

if is_ended(before) then
    return { 'ok' }
end

in_any_case()

-- how long it ran is the worker's word: what tells that it begins comes late

local started = get(id, 'started')

if ago ~= '' and (not started or now - ago < tonumber(started)) then
    set(id, 'started', now - ago)
end

is_so_far(id, done, total, message)

if busy == 'busy' then
    set(id, 'busy', owner)
end

if state == 'lost' then
    lose(id, owner, result, busy == 'busy')
else
    finish(id, state, status, kind, result)
end

return { 'ok' }
