-- Disables endpoints that said they are gone for good ('gone'), or that have only failed for long
-- and often enough ('failing'), and publishes that. The attempts are those of finished deliveries
-- and of those that wait for their next one, which stand last by their due time.
-- $1 workspace_ids uuid[]
-- $2 endpoint_ids uuid[]
-- $3 reasons text[]
-- $4 texts text[]
-- $5 failing_us int8
-- $6 failing_attempts int8
-- rows: n_disabled int8, n_deliveries int8
WITH disabled AS (
	UPDATE webhook_endpoint e SET status = 'disabled', disabled_reason = w.reason,
		updated_at = now()
	FROM unnest($1, $2, $3, $4) AS w(workspace_id, endpoint_id, reason, body)
	WHERE e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
	AND e.status = 'enabled' AND e.deleted_at IS NULL
	AND (w.reason = 'gone' OR (
		e.failing_since <= now() - $5 * interval '1 microsecond'
		AND (SELECT coalesce(sum(d.attempts), 0) FROM (
			SELECT x.attempts, x.ended_at FROM delivery_done x
			WHERE x.workspace_id = e.workspace_id AND x.endpoint_id = e.id
			ORDER BY x.id DESC LIMIT 1000) d
			WHERE d.ended_at >= e.failing_since)
		+ (SELECT coalesce(sum(d.attempts), 0) FROM (
			SELECT x.attempts FROM delivery x WHERE x.endpoint_id = e.id
			ORDER BY x.due_at DESC LIMIT 1000) d) >= $6))
	RETURNING e.workspace_id, w.body
)
SELECT count(*) AS n_disabled, coalesce(publish(array_agg(ROW('webhook_endpoint.disabled',
	g.workspace_id, now(), NULL, NULL::scheduled_call, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	NULL, NULL, NULL, g.body)::publishable)), 0) AS n_deliveries
FROM disabled g
