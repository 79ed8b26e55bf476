-- An endpoint's deliveries, newest first: waiting ones with the facts of their last ended attempt,
-- those that ranges owe, and what became of the others.
-- $1 workspace_id uuid
-- $2 endpoint_id uuid
-- $3 status text
-- $4 before uuid
-- $5 most int8
-- rows: id uuid, endpoint_id uuid, event_id uuid, event_type text, sequence int8, status text,
--   reason text, generation int2, replayed_as uuid, attempts int2, created_at timestamptz,
--   due_at timestamptz, ended_at timestamptz, started_at timestamptz, result text,
--   http_status int2, duration_ms int4, excerpt text
WITH page AS MATERIALIZED (
	(SELECT d.id, d.sequence, d.event_type, 'pending' AS status, NULL AS reason, d.generation,
		NULL::uuid AS replayed_as, d.attempts, d.created_at, d.due_at,
		NULL::timestamptz AS ended_at, a.started_at, a.result, a.http_status, a.duration_ms,
		a.excerpt
	FROM delivery d
	LEFT JOIN LATERAL last_attempt($1, d.id) a ON true
	WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id < $4
		AND ($3 IS NULL OR $3 = 'pending')
	ORDER BY d.id DESC LIMIT $5)
	UNION ALL
	SELECT d.id, d.sequence, d.event_type, d.status, d.reason, d.generation, d.replayed_as,
		d.attempts, d.created_at, NULL, d.ended_at, d.started_at, d.result, d.http_status,
		d.duration_ms, d.excerpt
	FROM done_deliveries($1, $2, $3, $4, $5) d
	UNION ALL
	SELECT o.delivery_id, o.sequence, o.event_type, 'pending', NULL, 1::int2, NULL, 0::int2,
		o.created_at, o.created_at, NULL, NULL, NULL, NULL, NULL, NULL
	FROM owed_page($1, $2, $4, $5) o WHERE $3 IS NULL OR $3 = 'pending'
	ORDER BY id DESC LIMIT $5
), bounds AS (
	SELECT array_agg(p.sequence) AS sequences, min(p.created_at) AS first_at, max(p.created_at) AS last_at,
		max(p.generation) AS generation
	FROM page p
)
SELECT d.id, $2, e.id, d.event_type, d.sequence, d.status, d.reason, d.generation, d.replayed_as,
	d.attempts, d.created_at, d.due_at, d.ended_at, d.started_at, d.result, d.http_status,
	d.duration_ms, d.excerpt
FROM page d
LEFT JOIN (bounds b
	CROSS JOIN LATERAL delivery_events($1, b.sequences, b.first_at, b.last_at, b.generation) e
) ON e.sequence = d.sequence
ORDER BY d.id DESC
