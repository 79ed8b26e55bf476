-- Counts requests that a gateway has let through under an API key, for all gateways together.
-- KEYS the key's bucket; ARGV how many, microseconds between two of them at the key's rate.
-- Answers how far ahead of now the bucket is, in microseconds: 0 is full, a minute is empty.
--
-- It stores the instant at which it will be full again. What is counted has happened already, so
-- several gateways at once may come to more than there was: a minute is the most that it may cost.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0) or 0, now)
full_at = math.min(full_at + tonumber(ARGV[1]) * tonumber(ARGV[2]), now + 60000000)
local ahead = full_at - now
redis.call('SET', KEYS[1], string.format('%d', full_at), 'PX',
	string.format('%d', math.ceil(ahead / 1000) + 1))
return ahead
