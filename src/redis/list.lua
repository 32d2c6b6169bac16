-- A page of jobs, the newest one first: those of a state and of a queue, unless
-- these are empty, that were accepted before the one of the order "after".  Of
-- the jobs of other queues so many are passed over, then the page ends.

local state, queue, limit, after = unpack(ARGV)
local name = P .. (state == '' and 'all' or 'state:' .. state)
local from = after == '0' and '+inf' or '(' .. after
local page = {}
local shown = '0'
local looked = 0

limit = tonumber(limit)

while looked < 500 do
    local found = call('ZREVRANGEBYSCORE', name, from, '-inf', 'WITHSCORES',
                       'LIMIT', 0, limit + 1)

    for i = 1, #found, 2 do
        local id, order = found[i], found[i + 1]
        local f = call('HMGET', P .. 'job:' .. id, 'state', 'status', 'created',
                       'started', 'ended', 'done', 'total', 'message',
                       'attempt', 'attempts', 'queue', 'ttl', 'before')

        if f[1] and not (f[5] and now >= f[5] + f[12])
           and (queue == '' or f[11] == queue)
        then
            if #page == limit then
                return { 'ok', page, shown }
            end

            local job = { id }

            f[10] = f[10] + (f[13] or 0)

            for k = 1, 11 do
                job[k + 1] = f[k] or ''
            end

            job[13] = order
            page[#page + 1] = job
            shown = order
        end

        from = '(' .. order
        looked = looked + 1
    end

    if #found < 2 * (limit + 1) then
        return { 'ok', page, '0' }
    end
end

return { 'ok', page, string.sub(from, 2) }
