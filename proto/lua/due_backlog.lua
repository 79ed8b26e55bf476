-- How many entries stand in a due stream, in all and by campaign. KEYS due, held, queued.
-- Answers {total, campaign, n, campaign, n, ...}. Over an empty stream both hashes are cleared, so
-- that a count which drifted heals.
local due, held, queued = KEYS[1], KEYS[2], KEYS[3]
local total = redis.call('XLEN', due)
if total == 0 then
	redis.call('DEL', held, queued)
	return { 0 }
end
local answer = redis.call('HGETALL', queued)
table.insert(answer, 1, total)
return answer
