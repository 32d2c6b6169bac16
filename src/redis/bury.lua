-- A worker is gone, as its own machine knows, or it goes now: its jobs are lost,
-- or are tried again; those that the machine knows not to have begun, which are
-- named, wait again.

local owner = ARGV[1]
local name = P .. 'owned:' .. owner

in_any_case()

for i = 2, #ARGV do
    if call('SISMEMBER', name, ARGV[i]) == 1 then
        give_back(ARGV[i], owner)
    end
end

bury(owner, 1000)

return { 'ok' }
