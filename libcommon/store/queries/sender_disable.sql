-- Disables endpoints that said they are gone for good (410), and publishes that.
-- $1 workspace_ids uuid[]
-- $2 endpoint_ids uuid[]
-- $3 texts text[]
-- rows: n_deliveries int8
WITH gone AS (
	UPDATE webhook_endpoint e SET status = 'disabled', disabled_reason = 'gone',
		updated_at = now()
	FROM unnest($1, $2, $3) AS w(workspace_id, endpoint_id, body)
	WHERE e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
	AND e.status = 'enabled' AND e.deleted_at IS NULL
	RETURNING e.workspace_id, w.body
)
SELECT publish(array_agg(ROW('webhook_endpoint.disabled', g.workspace_id, now(), NULL,
	NULL::scheduled_call, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	g.body)::publishable)) AS n_deliveries
FROM gone g
