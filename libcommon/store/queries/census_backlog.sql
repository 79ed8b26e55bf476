-- What waits: webhook deliveries that are owed and since when the oldest of them is, calls that are long
-- overdue among those that fell due last: finished ones stand there too for a while. Counted up to a
-- bound, endpoint by endpoint, so that a look is cheap whatever waits; of a range that is being sent all
-- is counted until its end.
-- $1 overdue_before timestamptz
-- $2 most int8
-- rows: deliveries int8, oldest_due_at timestamptz, calls int8
WITH open AS (
	SELECT e.workspace_id, e.id FROM webhook_endpoint e
	WHERE e.status = 'enabled' AND e.deleted_at IS NULL
	AND (e.gate_until IS NULL OR e.gate_until <= now())
), due AS (
	SELECT x.due_at, 1 AS n FROM open o
	CROSS JOIN LATERAL (
		SELECT d.due_at FROM delivery d
		WHERE d.endpoint_id = o.id AND d.due_at <= now()
		ORDER BY d.due_at LIMIT 1000) x
	LIMIT $2
), owed AS (
	SELECT x.created_at, x.n FROM open o
	CROSS JOIN LATERAL (
		SELECT r.created_at, r.to_sequence - r.from_sequence + 1 AS n FROM delivery_range r
		WHERE r.workspace_id = o.workspace_id AND r.endpoint_id = o.id
		ORDER BY r.to_sequence LIMIT 1000) x
	LIMIT $2
), late AS (
	SELECT FROM (
		SELECT c.workspace_id, c.campaign_id, c.status FROM scheduled_call c
		WHERE c.due_at < $1 ORDER BY c.due_at DESC LIMIT $2) c
	JOIN campaign k ON k.workspace_id = c.workspace_id AND k.id = c.campaign_id
	WHERE c.status = 'scheduled' AND k.status = 'active'
)
SELECT least($2, (SELECT count(*) FROM due) + (SELECT coalesce(sum(n), 0) FROM owed))::bigint AS deliveries,
	least((SELECT min(due_at) FROM due), (SELECT min(created_at) FROM owed)) AS oldest_due_at,
	(SELECT count(*) FROM late) AS calls
