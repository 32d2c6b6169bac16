-- A client wants a job to be cancelled: one that waits is that now, the worker
-- of another one is told.

local id = ARGV[1]
local state, owner, queue, ended, ttl = get(id, 'state', 'owner', 'queue',
                                            'ended', 'ttl')

if not state or ended and now >= ended + ttl then
    return { 'none' }
end

if is_ended(state) then
    return { 'ok' }
end

in_any_case()

if owner == '' then
    call('ZREM', P .. 'queue:' .. queue, id)
    call('ZREM', P .. 'delayed', id)
    finish(id, 'cancelled', '', '', '')

    return { 'ok' }
end

set(id, 'cancel', 1)
call('SADD', P .. 'asked:' .. owner, id)
call('PUBLISH', P .. 'worker:' .. owner, 'cancel ' .. id)

return { 'ok' }
