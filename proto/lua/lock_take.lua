-- Takes a lock that is free, or renews it for who has it. KEYS lock; ARGV holder, ttl in ms.
-- Answers 1 when the holder has it now. Its own lock is taken again too: the answer to the first
-- request may have been lost.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
	return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
