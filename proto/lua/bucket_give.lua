-- Gives unused tokens back. KEYS buckets; ARGV n, oldest_us, then one rate per minute for each key.
-- Others may have taken later tokens meanwhile, and who takes a returned one stands beside them. So
-- the bucket goes back `oldest` before now at most, which the slack of the others seldom needs; tokens
-- older than that are lost. A bucket that is gone was full. The life of the key stays.
local n, oldest = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local floor = tonumber(time[1]) * 1000000 + tonumber(time[2]) - oldest
for i, key in ipairs(KEYS) do
	local tat = tonumber(redis.call('GET', key) or '')
	if tat and tat > floor then
		tat = math.max(tat - n * 60000000 / tonumber(ARGV[2 + i]), floor)
		redis.call('SET', key, string.format('%.3f', tat), 'KEEPTTL')
	end
end
return n
