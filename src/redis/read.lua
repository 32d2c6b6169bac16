-- What is known of a job; with "events", those behind a number, too.

local id, events, behind = unpack(ARGV)

local f = call('HMGET', P .. 'job:' .. id, 'state', 'status', 'created',
               'started', 'ended', 'done', 'total', 'message', 'attempt',
               'attempts', 'type', 'change', 'event', 'ttl', 'before')

if not f[1] or f[5] and now >= f[5] + f[14] then
    return { 'none' }
end

local answer = { 'ok' }

f[10] = f[10] + (f[15] or 0)

for i = 1, 13 do
    answer[#answer + 1] = f[i] or ''
end

answer[#answer + 1] = is_ended(f[1]) and call('GET', P .. 'out:' .. id) or ''

if events == '1' then
    local name = P .. 'events:' .. id
    local first = f[13] - call('LLEN', name) + 1

    answer[#answer + 1] = call('LRANGE', name, math.max(behind + 1 - first, 0),
                               -1)
end

return answer
