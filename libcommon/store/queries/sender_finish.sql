-- Ends deliveries, as delivered or as dead letters, with the facts of their last attempt. A delivery
-- that is no longer in this sender's hands under this attempt is left alone.
-- $1 sender_id uuid
-- $2 workspace_ids uuid[]
-- $3 endpoint_ids uuid[]
-- $4 delivery_ids uuid[]
-- $5 attempts int2[]
-- $6 statuses text[]
-- $7 reasons text[]
-- $8 ages_us int8[]
-- $9 results text[]
-- $10 http_statuses int2[]
-- $11 durations_ms int4[]
-- $12 excerpts text[]
WITH done AS (
	DELETE FROM delivery d
	USING unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS w(workspace_id, endpoint_id,
		delivery_id, attempt, status, reason, age_us, result, http_status, duration_ms,
		excerpt)
	WHERE d.workspace_id = w.workspace_id AND d.endpoint_id = w.endpoint_id
	AND d.id = w.delivery_id AND d.sender_id = $1 AND d.attempts = w.attempt
	RETURNING d.workspace_id, d.endpoint_id, d.id, d.sequence, d.event_type, d.generation,
		d.created_at, w.status, w.reason, d.attempts, w.age_us, w.result, w.http_status,
		w.duration_ms, w.excerpt
)
INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type, generation,
	created_at, ended_at, status, reason, attempts, started_at, result, http_status, duration_ms,
	excerpt)
SELECT workspace_id, endpoint_id, id, sequence, event_type, generation, created_at, now(), status,
	reason, attempts, now() - age_us * interval '1 microsecond', result, http_status,
	duration_ms, excerpt
FROM done
