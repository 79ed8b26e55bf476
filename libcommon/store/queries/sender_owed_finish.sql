-- Ends deliveries that ranges owe, as delivered or as dead letters, with the facts of their only
-- attempt. The share of the sender's own row holds off whoever would strike it off and take over its
-- endpoints until this is committed; where that has happened, nothing is recorded.
-- So nobody else inserts the same meanwhile, and what stands is what this sender said before and did not
-- hear the answer to; ON CONFLICT would cost another 48 bytes of WAL each.
-- $1 sender_id uuid
-- $2 workspace_ids uuid[]
-- $3 endpoint_ids uuid[]
-- $4 delivery_ids uuid[]
-- $5 sequences int8[]
-- $6 types text[]
-- $7 created_at timestamptz[]
-- $8 attempts int2[]
-- $9 statuses text[]
-- $10 reasons text[]
-- $11 ages_us int8[]
-- $12 results text[]
-- $13 http_statuses int2[]
-- $14 durations_ms int4[]
-- $15 excerpts text[]
WITH held AS MATERIALIZED (
	SELECT s.id FROM webhook_sender s WHERE s.id = $1 FOR KEY SHARE
)
INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type, generation,
	created_at, ended_at, status, reason, attempts, started_at, result, http_status, duration_ms,
	excerpt)
SELECT w.workspace_id, w.endpoint_id, w.delivery_id, w.sequence, w.type, 1, w.created_at, now(),
	w.status, w.reason, w.attempt, now() - w.age_us * interval '1 microsecond', w.result,
	w.http_status, w.duration_ms, w.excerpt
FROM held h
CROSS JOIN unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS w(workspace_id,
	endpoint_id, delivery_id, sequence, type, created_at, attempt, status, reason, age_us, result,
	http_status, duration_ms, excerpt)
JOIN webhook_endpoint e ON e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
	AND e.sender_id = h.id
WHERE (SELECT true FROM delivery_done d WHERE d.workspace_id = w.workspace_id
	AND d.endpoint_id = w.endpoint_id AND d.id = w.delivery_id) IS NULL
