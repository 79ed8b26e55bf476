-- Counts requests that a gateway has let through, for all gateways together: under an API key, in a
-- workspace, or both.
-- KEYS the buckets; ARGV for each of them how many, microseconds between two of them at its rate.
-- Answers for each how far ahead of now it is, in microseconds: 0 is full, a minute is empty.
--
-- It stores the instant at which a bucket will be full again. What is counted has happened already, so
-- several gateways at once may come to more than there was: a minute is the most that it may cost.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local aheads = {}
for i, key in ipairs(KEYS) do
	local full_at = math.max(tonumber(redis.call('GET', key) or 0) or 0, now)
	full_at = math.min(full_at + tonumber(ARGV[2 * i - 1]) * tonumber(ARGV[2 * i]), now + 60000000)
	aheads[i] = full_at - now
	redis.call('SET', key, string.format('%d', full_at), 'PX',
		string.format('%d', math.ceil(aheads[i] / 1000) + 1))
end
return aheads
