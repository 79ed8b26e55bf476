-- Makes dead letters of what ranges owe to endpoints that are disabled or deleted, a bounded number at
-- a time. had_ids: whose the asker saw each to be, nobody's, a dead sender's, or its own with nothing in
-- hand. The lock keeps the endpoint from being enabled or adopted until this is committed.
-- $1 workspace_ids uuid[]
-- $2 endpoint_ids uuid[]
-- $3 had_ids uuid[]
-- $4 sender_id uuid
-- $5 most int8
-- rows: n int8
WITH shut AS MATERIALIZED (
	SELECT e.workspace_id, e.id, CASE WHEN e.deleted_at IS NOT NULL
		THEN 'endpoint_deleted' ELSE 'endpoint_disabled' END AS reason
	FROM unnest($1, $2, $3) AS w(workspace_id, endpoint_id, had_id)
	JOIN webhook_endpoint e ON e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
	WHERE (e.status <> 'enabled' OR e.deleted_at IS NOT NULL)
	AND e.sender_id IS NOT DISTINCT FROM w.had_id
	AND (e.sender_id IS NULL OR e.sender_id = $4
		OR NOT EXISTS (SELECT FROM webhook_sender s WHERE s.id = e.sender_id))
	ORDER BY e.id LIMIT 1000 FOR NO KEY UPDATE OF e SKIP LOCKED
)
SELECT coalesce(sum(bury_owed(s.workspace_id, s.id, s.reason, $5)), 0)::int8 AS n FROM shut s
