-- The endpoints after the given one (NULL: from the first) that ranges owe something: a loose index
-- scan, one probe for each endpoint. The last row is where the next page begins.
-- $1 after_workspace_id uuid
-- $2 after_endpoint_id uuid
-- $3 page int4
-- rows: workspace_id uuid, endpoint_id uuid, wait_us int8, is_usable bool, sender_id uuid,
--   is_sender_live bool
WITH RECURSIVE walk AS (
	(SELECT r.workspace_id, r.endpoint_id, 1 AS n FROM delivery_range r
	WHERE (r.workspace_id, r.endpoint_id) > (coalesce($1, '00000000-0000-0000-0000-000000000000'),
		coalesce($2, '00000000-0000-0000-0000-000000000000'))
	ORDER BY r.workspace_id, r.endpoint_id LIMIT 1)
	UNION ALL
	SELECT x.workspace_id, x.endpoint_id, w.n + 1
	FROM walk w CROSS JOIN LATERAL (
		SELECT r.workspace_id, r.endpoint_id FROM delivery_range r
		WHERE (r.workspace_id, r.endpoint_id) > (w.workspace_id, w.endpoint_id)
		ORDER BY r.workspace_id, r.endpoint_id LIMIT 1) x
	WHERE w.n < $3
)
SELECT w.workspace_id, w.endpoint_id, 0::int8 AS wait_us,
	coalesce(e.status = 'enabled' AND e.deleted_at IS NULL, false) AS is_usable,
	e.sender_id, s.id IS NOT NULL AS is_sender_live
FROM walk w
LEFT JOIN webhook_endpoint e ON e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
LEFT JOIN webhook_sender s ON s.id = e.sender_id
ORDER BY w.workspace_id, w.endpoint_id
LIMIT $3
