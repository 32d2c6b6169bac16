-- Takes back a job that was accepted, and nobody was told of, unless it has
-- begun.  Of one that is the worker's own he knows that it has not.

local owner, session, id, attempt = unpack(ARGV)
local state, his, tried, queue = get(id, 'state', 'owner', 'attempt', 'queue')

if not state then
    return { 'ok' }
end

if owner ~= '' then
    if not is_mine(id, owner, session, attempt) then
        return { 'late' }
    end

elseif state ~= 'queued' or his ~= '' or tried ~= '0' then
    return { 'begun' }
end

in_any_case()

disown(id, owner)
call('ZREM', P .. 'queue:' .. queue, id)
erase(id)

return { 'ok' }
