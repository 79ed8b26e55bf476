-- Puts entries of a dead consumer back at the end of a due stream, and removes the consumer once it
-- holds none.
-- KEYS due, held, queued; ARGV group, consumer, max. Answers how many entries it dealt with.
local due, held, queued = KEYS[1], KEYS[2], KEYS[3]
local group, consumer, max = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('EXISTS', due) == 0 then
	return 0
end
local pending = redis.pcall('XPENDING', due, group, '-', '+', max, consumer)
if pending.err then
	-- No group, no consumers: somebody makes it again, from the stream's beginning.
	return 0
end
local function field(entry, name)
	for i = 1, #entry, 2 do
		if entry[i] == name then
			return entry[i + 1]
		end
	end
	return ''
end
for _, row in ipairs(pending) do
	local id = row[1]
	local found = redis.call('XRANGE', due, id, id)[1]
	redis.call('XACK', due, group, id)
	if found then
		local entry = found[2]
		local call, campaign = field(entry, 'c'), field(entry, 'm')
		local holder = redis.call('HGET', held, call)
		redis.call('XDEL', due, id)
		-- Held by another entry: that one is enough, this one goes.
		if holder and holder ~= id and #redis.call('XRANGE', due, holder, holder) > 0 then
			if redis.call('HINCRBY', queued, campaign, -1) <= 0 then
				redis.call('HDEL', queued, campaign)
			end
		else
			redis.call('HSET', held, call, redis.call('XADD', due, '*', unpack(entry)))
		end
	end
end
if #pending < max then
	-- The consumer is looked up by its pending entries once more: deleting one that holds entries
	-- would lose them.
	if #redis.call('XPENDING', due, group, '-', '+', 1, consumer) == 0 then
		redis.call('XGROUP', 'DELCONSUMER', due, group, consumer)
	end
end
return #pending
