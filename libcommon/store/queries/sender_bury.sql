-- Makes dead letters of what waits for endpoints that are disabled, deleted or not there, a bounded
-- number at a time.
-- $1 workspace_ids uuid[]
-- $2 endpoint_ids uuid[]
-- $3 sender_id uuid
-- $4 most int4
WITH picked AS (
	SELECT x.ctid AS tid, CASE WHEN e.id IS NULL OR e.deleted_at IS NOT NULL
		THEN 'endpoint_deleted' ELSE 'endpoint_disabled' END AS reason
	FROM unnest($1, $2) AS w(workspace_id, endpoint_id)
	LEFT JOIN webhook_endpoint e ON e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
	CROSS JOIN LATERAL (
		SELECT d.ctid FROM delivery d WHERE d.endpoint_id = w.endpoint_id
		AND (d.sender_id IS NULL OR d.lease_until < now() OR (d.sender_id <> $3
			AND NOT EXISTS (SELECT FROM webhook_sender s WHERE s.id = d.sender_id)))
		ORDER BY d.due_at LIMIT $4 FOR UPDATE SKIP LOCKED) x
	WHERE e.id IS NULL OR e.status <> 'enabled' OR e.deleted_at IS NOT NULL
	LIMIT 1000
), dead AS (
	DELETE FROM delivery d USING picked p WHERE d.ctid = p.tid
	RETURNING d.workspace_id, d.endpoint_id, d.id, d.sequence, d.event_type, d.generation,
		d.created_at, p.reason, d.attempts
)
INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type, generation,
	created_at, ended_at, status, reason, attempts)
SELECT workspace_id, endpoint_id, id, sequence, event_type, generation, created_at, now(),
	'dead_letter', reason, attempts
FROM dead
