-- Webhook endpoints, the deleted ones too, in the order of their keys, after the
-- given one (NULL: from the first).
-- $1 after_workspace_id uuid
-- $2 after_id uuid
-- $3 most int8
-- rows: workspace_id uuid, id uuid
SELECT workspace_id, id FROM webhook_endpoint
WHERE (workspace_id, id) > (coalesce($1, '00000000-0000-0000-0000-000000000000'),
	coalesce($2, '00000000-0000-0000-0000-000000000000'))
ORDER BY workspace_id, id LIMIT $3
