-- The version of a job, and whether it has ended.

local state, version, ended, ttl = get(ARGV[1], 'state', 'version', 'ended',
                                       'ttl')

if not state or ended and now >= ended + ttl then
    return { 'none' }
end

return { 'ok', version, is_ended(state) and '1' or '0' }
