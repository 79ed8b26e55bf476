-- What sending to these endpoints takes, for their own sender only.
-- $1 sender_id uuid
-- $2 workspace_ids uuid[]
-- $3 endpoint_ids uuid[]
-- rows: endpoint_id uuid, url text, secret bytea, secret_old bytea, secret_old_until timestamptz,
--   gate_wait_us int8, consecutive_failures int4, last_success_at timestamptz,
--   failing_since timestamptz, is_usable bool
SELECT e.id AS endpoint_id, e.url, e.secret, e.secret_old, e.secret_old_until,
	coalesce(greatest(0, extract(epoch FROM e.gate_until - now()) * 1000000), 0)::bigint
		AS gate_wait_us,
	e.consecutive_failures, e.last_success_at, e.failing_since,
	e.status = 'enabled' AND e.deleted_at IS NULL AS is_usable
FROM unnest($2, $3) AS w(workspace_id, endpoint_id)
JOIN webhook_endpoint e ON e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
WHERE e.sender_id = $1
