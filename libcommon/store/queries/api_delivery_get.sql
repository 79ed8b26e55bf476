-- One delivery of the workspace's endpoints, waiting or ended, as api_delivery_list shows it: from its
-- row, or from the range that owes it.
-- $1 workspace_id uuid
-- $2 delivery_id uuid
-- rows: id uuid, endpoint_id uuid, event_id uuid, event_type text, sequence int8, status text,
--   reason text, generation int2, replayed_as uuid, attempts int2, created_at timestamptz,
--   due_at timestamptz, ended_at timestamptz, started_at timestamptz, result text,
--   http_status int2, duration_ms int4, excerpt text
SELECT d.id, d.endpoint_id, e.id, d.event_type, d.sequence, d.status, d.reason, d.generation,
	d.replayed_as, d.attempts, d.created_at, d.due_at, d.ended_at, d.started_at, d.result,
	d.http_status, d.duration_ms, d.excerpt
FROM webhook_endpoint w
CROSS JOIN LATERAL (
	SELECT d.id, d.endpoint_id, d.sequence, d.event_type, 'pending' AS status, NULL AS reason,
		d.generation, NULL::uuid AS replayed_as, d.attempts, d.created_at, d.due_at,
		NULL::timestamptz AS ended_at, a.started_at, a.result, a.http_status, a.duration_ms,
		a.excerpt
	FROM delivery d
	LEFT JOIN LATERAL (
		SELECT a.started_at, a.result, a.http_status, a.duration_ms, a.excerpt
		FROM delivery_attempt a WHERE a.workspace_id = $1 AND a.delivery_id = d.id
		ORDER BY a.number DESC LIMIT 1
	) a ON true
	WHERE d.workspace_id = $1 AND d.endpoint_id = w.id AND d.id = $2
	UNION ALL
	SELECT d.id, d.endpoint_id, d.sequence, d.event_type, d.status, d.reason, d.generation,
		d.replayed_as, d.attempts, d.created_at, NULL, d.ended_at, d.started_at, d.result,
		d.http_status, d.duration_ms, d.excerpt
	FROM delivery_done d
	WHERE d.workspace_id = $1 AND d.endpoint_id = w.id AND d.id = $2
	UNION ALL
	SELECT $2, o.endpoint_id, o.sequence, o.event_type, 'pending', NULL, 1::int2, NULL, 0::int2,
		o.created_at, o.created_at, NULL, NULL, NULL, NULL, NULL, NULL
	FROM owed_one($1, $2) o WHERE o.endpoint_id = w.id
) d
LEFT JOIN event e ON e.workspace_id = $1 AND e.sequence = d.sequence
	AND e.id >= event_from(d.created_at, d.generation, (SELECT h.since FROM history h
		WHERE h.parent = 'event'))
WHERE w.workspace_id = $1 AND w.deleted_at IS NULL
