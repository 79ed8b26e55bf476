-- Of what stands in no partition of its own time: deletes an endpoint's deliveries that ended before a moment, with their attempts, looking at a
-- bounded number of them after the one looked at last (NULL: from the first). Called again with
-- last_id while `seen` is full. Those in the oldest range that still owes something stay: they say what
-- of it was sent.
-- $1 workspace_id uuid
-- $2 endpoint_id uuid
-- $3 after_id uuid
-- $4 ended_before timestamptz
-- $5 most int8
-- rows: seen int8, last_id uuid, gone int8
WITH looked AS (
	SELECT d.id, d.sequence, d.ended_at FROM delivery_done_default d
	WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id < uuid7_floor($4)
	AND d.id > coalesce($3, '00000000-0000-0000-0000-000000000000')
	ORDER BY d.id LIMIT $5
), gone AS (
	DELETE FROM delivery_done_default d USING looked l
	WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id = l.id AND l.ended_at < $4
	AND l.sequence < coalesce((SELECT r.from_sequence FROM delivery_range r
		WHERE r.workspace_id = $1 AND r.endpoint_id = $2 ORDER BY r.to_sequence LIMIT 1),
		9223372036854775807)
	RETURNING d.id
), attempts AS (
	DELETE FROM delivery_attempt a USING gone g
	WHERE a.workspace_id = $1 AND a.delivery_id = g.id
)
SELECT (SELECT count(*) FROM looked), (SELECT id FROM looked ORDER BY id DESC LIMIT 1), count(*)
FROM gone
