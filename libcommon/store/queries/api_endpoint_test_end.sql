-- The end of a test that failed: one request is all it has, so its delivery waits for no other.
-- Nothing happens while a sender holds it.
-- $1 workspace_id uuid
-- $2 endpoint_id uuid
-- $3 delivery_id uuid
WITH gone AS (
	DELETE FROM delivery
	WHERE workspace_id = $1 AND endpoint_id = $2 AND id = $3 AND sender_id IS NULL
	AND attempts > 0 AND event_type = 'webhook_endpoint.test'
	RETURNING id, sequence, event_type, generation, created_at, attempts
), last_one AS (
	DELETE FROM delivery_attempt a USING gone g
	WHERE a.workspace_id = $1 AND a.delivery_id = g.id AND a.number = g.attempts
	RETURNING a.started_at, a.result, a.http_status, a.duration_ms, a.excerpt
)
INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type, generation,
	created_at, ended_at, status, reason, attempts, started_at, result, http_status, duration_ms,
	excerpt)
SELECT $1, $2, g.id, g.sequence, g.event_type, g.generation, g.created_at, now(), 'dead_letter',
	'test_failed', g.attempts, a.started_at, a.result, a.http_status, a.duration_ms, a.excerpt
FROM gone g LEFT JOIN last_one a ON true
