-- Records failed first attempts at what ranges owe: from here on each is a row that waits for its next
-- attempt. Guarded as sender_owed_finish is.
-- $1 sender_id uuid
-- $2 workspace_ids uuid[]
-- $3 endpoint_ids uuid[]
-- $4 delivery_ids uuid[]
-- $5 sequences int8[]
-- $6 types text[]
-- $7 created_at timestamptz[]
-- $8 attempts int2[]
-- $9 delays_us int8[]
-- $10 ages_us int8[]
-- $11 results text[]
-- $12 http_statuses int2[]
-- $13 durations_ms int4[]
-- $14 excerpts text[]
WITH held AS MATERIALIZED (
	SELECT s.id FROM webhook_sender s WHERE s.id = $1 FOR KEY SHARE
), said AS (
	SELECT w.* FROM held h
	CROSS JOIN unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS w(workspace_id,
		endpoint_id, delivery_id, sequence, type, created_at, attempt, delay_us, age_us,
		result, http_status, duration_ms, excerpt)
	JOIN webhook_endpoint e ON e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
		AND e.sender_id = h.id
), failed AS (
	INSERT INTO delivery (workspace_id, endpoint_id, id, sequence, event_type, created_at, due_at,
		attempts)
	SELECT s.workspace_id, s.endpoint_id, s.delivery_id, s.sequence, s.type, s.created_at,
		now() + s.delay_us * interval '1 microsecond', s.attempt
	FROM said s
	WHERE (SELECT true FROM delivery_done d WHERE d.workspace_id = s.workspace_id
		AND d.endpoint_id = s.endpoint_id AND d.id = s.delivery_id) IS NULL
	ON CONFLICT DO NOTHING
	RETURNING workspace_id, id
)
INSERT INTO delivery_attempt (workspace_id, delivery_id, number, started_at, result, http_status,
	duration_ms, excerpt)
SELECT f.workspace_id, f.id, s.attempt, now() - s.age_us * interval '1 microsecond', s.result,
	s.http_status, s.duration_ms, s.excerpt
FROM failed f
JOIN said s ON s.workspace_id = f.workspace_id AND s.delivery_id = f.id
