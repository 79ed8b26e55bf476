-- Acknowledges and deletes entries of a due stream. Repeating it changes nothing.
-- KEYS due, held, queued; ARGV group, then (entry id, call, campaign) per entry.
-- The call is released only if this very entry holds it: it may stand again already.
local due, held, queued = KEYS[1], KEYS[2], KEYS[3]
local ids, calls, counts = {}, {}, {}
for i = 2, #ARGV, 3 do
	ids[#ids + 1] = ARGV[i]
	calls[#calls + 1] = ARGV[i + 1]
end
redis.call('XACK', due, ARGV[1], unpack(ids))
local holders = redis.call('HMGET', held, unpack(calls))
local released, deleted = {}, 0
for i, id in ipairs(ids) do
	if redis.call('XDEL', due, id) == 1 then
		local campaign = ARGV[3 * i + 1]
		counts[campaign] = (counts[campaign] or 0) + 1
		deleted = deleted + 1
	end
	if holders[i] == id then
		released[#released + 1] = calls[i]
	end
end
if #released > 0 then
	redis.call('HDEL', held, unpack(released))
end
for campaign, n in pairs(counts) do
	if redis.call('HINCRBY', queued, campaign, -n) <= 0 then
		redis.call('HDEL', queued, campaign)
	end
end
return deleted
