-- Gives n unused tokens of one grant back. KEYS buckets; ARGV n, then the rate per minute of each key
-- when it was asked, then what the grant left in each.
-- Only while that is still there: once somebody has taken a later token, an earlier one would stand
-- beside it, and a window could hold one dial more than its rate allows. Then the token is lost, which
-- makes dialing slower for a moment, never faster. The life of the key stays.
--
-- Which of the grant's tokens are unused does not matter: all of them have the same deadline, that of
-- the oldest, so the used ones may as well have been the oldest.
--
-- The microsecond is so that a bucket never says again what it once said: a receipt that was used, or
-- one that came too late, cannot fit what somebody else has left since.
local n = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
	local left = ARGV[1 + #KEYS + i]
	if redis.call('GET', key) == left then
		local tat = tonumber(left) - n * 60000000 / tonumber(ARGV[1 + i]) + 1
		redis.call('SET', key, string.format('%.3f', tat), 'KEEPTTL')
	end
end
return n
