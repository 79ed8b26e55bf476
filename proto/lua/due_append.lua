-- Adds entries to a due stream, each call at most once.
-- KEYS due, held, queued; ARGV (call, campaign, payload) per entry. Answers how many were added.
-- A call counts as held only while its entry stands: when the hash says so but the stream does not
-- (deleted by hand, cut off), the entry is written again; it was counted before.
local due, held, queued = KEYS[1], KEYS[2], KEYS[3]
local calls, added, pairs_new, counts = {}, 0, {}, {}
for i = 1, #ARGV, 3 do
	calls[#calls + 1] = ARGV[i]
end
local ids = redis.call('HMGET', held, unpack(calls))
local seen = {}
for i, call in ipairs(calls) do
	local id, is_counted = ids[i], false
	local is_held = seen[call]
	if id and not is_held then
		is_held = #redis.call('XRANGE', due, id, id) > 0
		is_counted = not is_held
	end
	if not is_held then
		local campaign, payload = ARGV[3 * i - 1], ARGV[3 * i]
		pairs_new[#pairs_new + 1] = call
		pairs_new[#pairs_new + 1] =
			redis.call('XADD', due, '*', 'c', call, 'm', campaign, 'e', payload)
		seen[call] = true
		added = added + 1
		if not is_counted then
			counts[campaign] = (counts[campaign] or 0) + 1
		end
	end
end
if added > 0 then
	redis.call('HSET', held, unpack(pairs_new))
	for campaign, n in pairs(counts) do
		redis.call('HINCRBY', queued, campaign, n)
	end
end
return added
