-- How deep a due stream is. KEYS due; ARGV group.
-- Answers {entries, entries that no consumer was given, since how many ms the oldest of those waits}.
if redis.call('EXISTS', KEYS[1]) == 0 then
	return { 0, 0, 0 }
end
local entries = redis.call('XLEN', KEYS[1])
local given, after = 0, '-'
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
	local fields = {}
	for i = 1, #group, 2 do
		fields[group[i]] = group[i + 1]
	end
	if fields['name'] == ARGV[1] then
		given, after = fields['pending'], '(' .. fields['last-delivered-id']
	end
end
local oldest = redis.call('XRANGE', KEYS[1], after, '+', 'COUNT', 1)
local waits = 0
if #oldest > 0 then
	local time = redis.call('TIME')
	local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
	waits = math.max(0, now - tonumber(string.match(oldest[1][1], '^%d+')))
end
-- What was given and then deleted by hand stays pending: never less than none.
return { entries, math.max(0, entries - given), waits }
