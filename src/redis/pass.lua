-- A worker that was told of a job has no room: another one is told.

local owner, queue = unpack(ARGV)

in_any_case()
call('SREM', P .. 'hungry:' .. queue, owner)

if call('EXISTS', P .. 'queue:' .. queue) == 1 then
    wake(queue)
end

return { 'ok' }
