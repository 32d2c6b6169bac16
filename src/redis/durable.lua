-- Which of these jobs are not there: what is on its way to the disk when this is
-- done has the others.  It writes something itself, so that WAITAOF behind it
-- waits for this and all before it, whoever has written that.

in_any_case()
call('SET', P .. 'durable', now)

local missing = {}

for _, id in ipairs(ARGV) do
    if call('EXISTS', P .. 'job:' .. id) == 0 then
        missing[#missing + 1] = id
    end
end

return missing
