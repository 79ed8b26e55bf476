-- Of what stands in no partition of its own time (what does is dropped with that): deletes a workspace's
-- oldest events as far as they are older than a moment, looking at a bounded
-- number of them after the one looked at last. Sequences follow time closely, so a page that holds
-- younger ones is the last. What a range still owes stays, and what came after it.
-- $1 workspace_id uuid
-- $2 after int8
-- $3 older_than timestamptz
-- $4 most int8
-- rows: gone int8, upto int8
WITH looked AS (
	SELECT sequence, at FROM event_default WHERE workspace_id = $1 AND sequence > $2
	ORDER BY sequence LIMIT $4
), gone AS (
	DELETE FROM event_default e USING looked l
	WHERE e.workspace_id = $1 AND e.sequence = l.sequence AND l.at < $3
	AND l.sequence < coalesce((SELECT min(r.from_sequence) FROM webhook_endpoint w
		CROSS JOIN LATERAL (SELECT d.from_sequence FROM delivery_range d
			WHERE d.workspace_id = $1 AND d.endpoint_id = w.id
			ORDER BY d.to_sequence LIMIT 1) r
		WHERE w.workspace_id = $1), 9223372036854775807)
	RETURNING 1
)
SELECT count(*), coalesce((SELECT max(sequence) FROM looked), $2) FROM gone
