-- Gives a lock up, if it is still the holder's. KEYS lock; ARGV holder. Answers 1 when it was.
if redis.call('GET', KEYS[1]) == ARGV[1] then
	return redis.call('DEL', KEYS[1])
end
return 0
