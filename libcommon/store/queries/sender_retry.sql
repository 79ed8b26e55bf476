-- Records failed attempts whose deliveries will be tried again after a delay.
-- $1 sender_id uuid
-- $2 workspace_ids uuid[]
-- $3 endpoint_ids uuid[]
-- $4 delivery_ids uuid[]
-- $5 attempts int2[]
-- $6 delays_us int8[]
-- $7 ages_us int8[]
-- $8 results text[]
-- $9 http_statuses int2[]
-- $10 durations_ms int4[]
-- $11 excerpts text[]
WITH failed AS (
	UPDATE delivery d SET sender_id = NULL, lease_until = NULL,
		due_at = now() + w.delay_us * interval '1 microsecond'
	FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS w(workspace_id, endpoint_id,
		delivery_id, attempt, delay_us, age_us, result, http_status, duration_ms, excerpt)
	WHERE d.workspace_id = w.workspace_id AND d.endpoint_id = w.endpoint_id
	AND d.id = w.delivery_id AND d.sender_id = $1 AND d.attempts = w.attempt
	RETURNING d.workspace_id, d.id, d.attempts, w.age_us, w.result, w.http_status,
		w.duration_ms, w.excerpt
)
INSERT INTO delivery_attempt (workspace_id, delivery_id, number, started_at, result, http_status,
	duration_ms, excerpt)
SELECT workspace_id, id, attempts, now() - age_us * interval '1 microsecond', result, http_status,
	duration_ms, excerpt
FROM failed
