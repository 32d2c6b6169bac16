-- A worker has connected, for the first time or again, and tells which jobs it
-- has.  What it has claimed, and does not know of, as the answer was lost, waits
-- again.  Answers which ones are not its own any more; or that it is dead, to be
-- born again by another name.

-- one who has thousands of jobs says more words than may be unpacked

local owner, session, lease = ARGV[1], ARGV[2], ARGV[3]
local name = P .. 'owned:' .. owner

local before = call('HGET', P .. 'session', owner)

if session ~= '1' and not before then
    return { 'dead' }
end

-- a connection before this one, whose words come late

if before and tonumber(before) > tonumber(session) then
    return { 'late' }
end

in_any_case()
call('HSET', P .. 'session', owner, session)
call('ZADD', P .. 'leases', now + lease, owner)

local known = {}
local lost = {}

for i = 4, #ARGV do
    known[ARGV[i]] = true

    if call('SISMEMBER', name, ARGV[i]) == 0 then
        lost[#lost + 1] = ARGV[i]
    end
end

for _, id in ipairs(call('SMEMBERS', name)) do
    if not known[id] then
        give_back(id, owner)
    end
end

return { 'ok', lost }
