-- Makes a due stream and its group if they are missing. KEYS due, held, queued; ARGV group.
-- Answers 1 when something was missing: then the stream must be filled again.
-- Without a stream nothing is held and nothing counted, whatever the hashes say.
local due, held, queued = KEYS[1], KEYS[2], KEYS[3]
local was_there = redis.call('EXISTS', due) == 1
local made = redis.pcall('XGROUP', 'CREATE', due, ARGV[1], '0', 'MKSTREAM')
if type(made) == 'table' and made.err then
	if string.find(made.err, 'BUSYGROUP', 1, true) then
		return 0
	end
	return made
end
if not was_there then
	redis.call('DEL', held, queued)
end
return 1
