-- Takes tokens from up to three buckets, from all or from none (GCRA in its late form).
-- KEYS buckets; ARGV wanted, tolerance in us, how long the first of the wanted calls has been due
-- in us, then one rate per minute for each key.
-- Answers {granted, lag_us, wait_us, key, left...}: lag is how far the oldest granted token's nominal
-- instant lies back, wait is how long until the next token, key is the place among KEYS of the bucket
-- that makes it so long; left is what a grant left in each bucket, for bucket_give.lua.
--
-- A bucket stores the nominal instant of its next token (tat, in us). A token may be taken from
-- that instant on and is lost once it is older than the tolerance. No token is ever taken before
-- its instant, so a tat further away than one interval comes from a clock that jumped back or from
-- a limit that was lower: it is pulled in.
local wanted, tolerance, age = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local interval, nominal, granted, full = {}, {}, wanted, true
for i, key in ipairs(KEYS) do
	interval[i] = 60000000 / tonumber(ARGV[3 + i])
	nominal[i] = math.min(tonumber(redis.call('GET', key) or 0) or 0, now + interval[i])
	full = full and nominal[i] <= now - tolerance
end
for i in ipairs(KEYS) do
	-- All full: nobody asked for a while, and only as many old tokens as wanted are handed out,
	-- for the younger they are the longer the caller may take to use them. The first one's instant
	-- is the call's own: the line of tokens then runs with the campaign's line of calls, where one
	-- that began at the asking would keep each later call waiting by what the first was late.
	local oldest = full and math.min(tolerance, math.max(age, (wanted - 1) * interval[i]))
		or tolerance
	nominal[i] = math.max(nominal[i], now - oldest)
	local available = 0
	if now >= nominal[i] then
		available = math.floor((now - nominal[i]) / interval[i]) + 1
	end
	granted = math.min(granted, available)
end
local lag, wait, tight, left = 0, 0, 1, {}
for i, key in ipairs(KEYS) do
	local tat = nominal[i] + granted * interval[i]
	if tat - now > wait then
		wait, tight = tat - now, i
	end
	if granted > 0 then
		lag = math.max(lag, now - nominal[i])
		-- Once the tolerance has passed over it, an absent bucket says the same.
		local ttl = math.ceil((tat - now + tolerance) / 1000) + 1
		left[i] = string.format('%.3f', tat)
		redis.call('SET', key, left[i], 'PX', string.format('%d', ttl))
	end
end
if granted == 0 then
	wait = math.max(wait, 1)
end
return { granted, math.ceil(lag), math.ceil(wait), tight, unpack(left) }
