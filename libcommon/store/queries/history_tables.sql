-- The tables that are partitioned by time, in the order in which their partitions may be dropped, each
-- with how long its partitions still last (NULL: it has none) and how many it has.
-- $1 most int8
-- rows: parent text, is_call bool, left_us int8, spans int8
SELECT h.parent, h.family = 'call',
	(extract(epoch FROM max(s.upto_at) - now()) * 1000000)::int8, count(s.name)
FROM history h
LEFT JOIN history_span s ON s.parent = h.parent
GROUP BY h.parent, h.family
ORDER BY h.parent = 'scheduled_call_done' DESC, h.parent = 'event', h.parent
LIMIT $1
