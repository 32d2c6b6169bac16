-- A job has begun, so many milliseconds ago, unless "ago" is empty; and it is so
-- far, unless "done" is empty; without "message" that stays as it is.

local owner, session, id, attempt, ago, done, total, message = unpack(ARGV)

local state = is_mine(id, owner, session, attempt)

if not state or is_ended(state) then
    return { 'late' }
end

in_any_case()

if ago ~= '' and state == 'queued' then
    move(id, state, 'running', get(id, 'order'))
    set(id, 'started', now - ago)
end

is_so_far(id, done, total, message)
changed(id)

return { 'ok' }
