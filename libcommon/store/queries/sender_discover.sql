-- The endpoints after the given one (NULL: from the first) that have deliveries, and the wait until
-- the earliest of each is due:
-- a loose index scan, one probe for each endpoint. The last row is where the next page begins.
-- $1 after uuid
-- $2 page int4
-- rows: workspace_id uuid, endpoint_id uuid, wait_us int8, is_usable bool, sender_id uuid,
--   is_sender_live bool
WITH RECURSIVE walk AS (
	(SELECT d.workspace_id, d.endpoint_id, d.due_at, 1 AS n FROM delivery d
	WHERE d.endpoint_id > coalesce($1, '00000000-0000-0000-0000-000000000000')
	ORDER BY d.endpoint_id, d.due_at LIMIT 1)
	UNION ALL
	SELECT x.workspace_id, x.endpoint_id, x.due_at, w.n + 1
	FROM walk w CROSS JOIN LATERAL (
		SELECT d.workspace_id, d.endpoint_id, d.due_at FROM delivery d
		WHERE d.endpoint_id > w.endpoint_id ORDER BY d.endpoint_id, d.due_at LIMIT 1) x
	WHERE w.n < $2
)
SELECT w.workspace_id, w.endpoint_id,
	greatest(0, extract(epoch FROM w.due_at - now()) * 1000000)::bigint AS wait_us,
	coalesce(e.status = 'enabled' AND e.deleted_at IS NULL, false) AS is_usable,
	e.sender_id, s.id IS NOT NULL AS is_sender_live
FROM walk w
LEFT JOIN webhook_endpoint e ON e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
LEFT JOIN webhook_sender s ON s.id = e.sender_id
ORDER BY w.endpoint_id
LIMIT $2
