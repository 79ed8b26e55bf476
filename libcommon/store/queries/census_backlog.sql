-- What waits: webhook deliveries that are due and since when the oldest of them is, calls that are long
-- overdue among those that fell due last: finished ones stand there too for a while. Counted up to a
-- bound, endpoint by endpoint, so that a look is cheap whatever waits.
-- $1 overdue_before timestamptz
-- $2 most int8
-- rows: deliveries int8, oldest_due_at timestamptz, calls int8
WITH due AS (
	SELECT x.due_at FROM webhook_endpoint e
	CROSS JOIN LATERAL (
		SELECT d.due_at FROM delivery d
		WHERE d.endpoint_id = e.id AND d.due_at <= now()
		ORDER BY d.due_at LIMIT 1000) x
	WHERE e.status = 'enabled' AND e.deleted_at IS NULL
	AND (e.gate_until IS NULL OR e.gate_until <= now())
	LIMIT $2
), late AS (
	SELECT FROM (
		SELECT c.workspace_id, c.campaign_id, c.status FROM scheduled_call c
		WHERE c.due_at < $1 ORDER BY c.due_at DESC LIMIT $2) c
	JOIN campaign k ON k.workspace_id = c.workspace_id AND k.id = c.campaign_id
	WHERE c.status = 'scheduled' AND k.status = 'active'
)
SELECT (SELECT count(*) FROM due) AS deliveries, (SELECT min(due_at) FROM due) AS oldest_due_at,
	(SELECT count(*) FROM late) AS calls
