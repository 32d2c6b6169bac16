-- The thread of a job is back that had it when it ended: so it may be tried
-- again.  One that was lost, and has attempts left, has waited for that.

local owner, session, id, attempt = unpack(ARGV)

if get(id, 'busy') ~= owner then
    return { 'late' }
end

in_any_case()
call('HDEL', P .. 'job:' .. id, 'busy')

local state = is_mine(id, owner, session, attempt)

if state and not is_ended(state) then
    lose(id, owner, '')
end

return { 'ok' }
