-- Ends a job.  It may have begun, so many milliseconds ago, without having been
-- told so.  A worker that has to end cannot wait for it: its state is "lost".

local owner, session, id, attempt, ago, state, status, kind, result =
    unpack(ARGV)

local before = is_mine(id, owner, session, attempt)

if not before then
    return { 'late' }
end

-- it was told before, and the answer did not arrive

if is_ended(before) then
    return { 'ok' }
end

in_any_case()

if ago ~= '' and before == 'queued' then
    set(id, 'started', now - ago)
end

if state == 'lost' then
    lose(id, owner, result)
else
    finish(id, state, status, kind, result)
end

return { 'ok' }
