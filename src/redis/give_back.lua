-- A job that was not begun waits again.

local owner, session, id, attempt = unpack(ARGV)

if not is_mine(id, owner, session, attempt) then
    return { 'late' }
end

in_any_case()
give_back(id, owner)

return { 'ok' }
