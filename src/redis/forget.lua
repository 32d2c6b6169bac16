-- Erases a job that has ended.

local id = ARGV[1]
local state, ended, ttl = get(id, 'state', 'ended', 'ttl')

if not state or ended and now >= ended + ttl then
    return { 'none' }
end

if not is_ended(state) then
    return { 'busy' }
end

erase(id)

return { 'ok' }
