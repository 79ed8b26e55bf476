-- Webhook endpoints, newest first, without their secrets; one alone by $2.
-- $1 workspace_id uuid
-- $2 endpoint_id uuid
-- $3 before uuid
-- $4 most int8
-- rows: id uuid, url text, description text, events text[], status text, disabled_reason text,
--   previous_secret_until timestamptz, created_at timestamptz, updated_at timestamptz
SELECT id, url, description, events, status, disabled_reason,
	CASE WHEN secret_old_until > now() THEN secret_old_until END, created_at, updated_at
FROM webhook_endpoint
WHERE workspace_id = $1 AND deleted_at IS NULL AND id < $3 AND ($2 IS NULL OR id = $2)
ORDER BY id DESC LIMIT $4
