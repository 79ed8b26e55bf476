-- What a replay of a delivery would replay: the newest generation that came of it, and whether that
-- one still waits. event_id is NULL once the event is gone.
-- $1 workspace_id uuid
-- $2 delivery_id uuid
-- rows: endpoint_id uuid, endpoint_status text, is_pending bool, newest_id uuid, event_id uuid,
--   sequence int8, event_type text, generation int2
WITH RECURSIVE named AS (
	SELECT w.id AS endpoint_id, w.status AS endpoint_status, x.is_pending
	FROM webhook_endpoint w
	CROSS JOIN LATERAL (
		SELECT true AS is_pending FROM delivery d
		WHERE d.workspace_id = $1 AND d.endpoint_id = w.id AND d.id = $2
		UNION ALL
		SELECT true FROM owed_one($1, $2) o WHERE o.endpoint_id = w.id
		UNION ALL
		SELECT false FROM delivery_done d
		WHERE d.workspace_id = $1 AND d.endpoint_id = w.id AND d.id = $2
	) x
	WHERE w.workspace_id = $1 AND w.deleted_at IS NULL
), chain AS (
	SELECT d.endpoint_id, d.id, d.sequence, d.event_type, d.generation, d.replayed_as
	FROM named n
	JOIN delivery_done d ON d.workspace_id = $1 AND d.endpoint_id = n.endpoint_id AND d.id = $2
	UNION ALL
	SELECT d.endpoint_id, d.id, d.sequence, d.event_type, d.generation, d.replayed_as
	FROM chain c
	JOIN delivery_done d ON d.workspace_id = $1 AND d.endpoint_id = c.endpoint_id
		AND d.id = c.replayed_as
), newest AS (
	SELECT c.id, c.sequence, c.event_type, c.generation, c.replayed_as FROM chain c
	ORDER BY c.generation DESC LIMIT 1
)
SELECT n.endpoint_id, n.endpoint_status, n.is_pending OR l.replayed_as IS NOT NULL, l.id, e.id,
	l.sequence, l.event_type, l.generation
FROM named n
LEFT JOIN newest l ON true
LEFT JOIN event e ON e.workspace_id = $1 AND e.sequence = l.sequence
