-- Completes the live bulk campaigns whose targets are all terminal: those that the counters show,
-- with the row locked against a concurrent append, and counted again under that lock.
-- $1 epoch int8
-- $2 campaign_ids uuid[]
-- rows: completed int8, deliveries int8
WITH lead AS (
	SELECT 1 FROM leader WHERE name = 'scheduler' AND epoch = $1 FOR SHARE
), done AS (
	UPDATE campaign k SET status = 'completed', status_reason = NULL, completed_at = now(),
		updated_at = now()
	FROM lead, campaign_count c
	WHERE k.id = ANY ($2) AND k.kind = 'bulk' AND k.status IN ('active', 'paused')
		AND c.workspace_id = k.workspace_id AND c.campaign_id = k.id
		AND c.total > 0 AND c.pending = 0 AND c.scheduled = 0
		AND NOT EXISTS (SELECT FROM import i WHERE i.workspace_id = k.workspace_id
			AND i.campaign_id = k.id AND i.status = 'running')
	RETURNING k.*, c.total, c.dispatched, c.failed, c.skipped
)
SELECT count(*), publish(array_agg(ROW('campaign.completed', d.workspace_id, d.completed_at, d.kind,
	NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, d.id,
	json_build_object('name', d.name, 'status', d.status, 'counts', json_build_object(
		'total', d.total, 'pending', 0, 'scheduled', 0, 'dispatched', d.dispatched,
		'failed', d.failed, 'skipped', d.skipped))::text)::publishable ORDER BY d.id))
FROM done d
