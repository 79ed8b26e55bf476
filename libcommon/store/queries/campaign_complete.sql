-- Completes live campaigns that have nothing left to do, as campaign_finished found them: with their
-- rows locked against appends, edits and each other's completion, and looked at again under that
-- lock.
-- $1 epoch int8
-- $2 campaign_ids uuid[]
-- rows: completed int8, deliveries int8
WITH lead AS (
	SELECT 1 FROM leader WHERE name = 'scheduler' AND epoch = $1 FOR SHARE
), done AS (
	UPDATE campaign k SET status = 'completed', status_reason = NULL, completed_at = now(),
		updated_at = now()
	FROM lead, campaign_count c, campaign_plan p
	WHERE k.id = ANY ($2) AND k.status IN ('active', 'paused')
		AND c.workspace_id = k.workspace_id AND c.campaign_id = k.id AND c.scheduled = 0
		AND p.workspace_id = k.workspace_id AND p.campaign_id = k.id
		AND CASE k.kind WHEN 'bulk' THEN c.total > 0 AND c.pending = 0
			AND NOT EXISTS (SELECT FROM import i WHERE i.workspace_id = k.workspace_id
				AND i.campaign_id = k.id AND i.status = 'running')
		ELSE k.end_at <= clock_timestamp()
			AND (k.status = 'paused' OR p.next_occurrence_at IS NULL)
			AND NOT EXISTS (SELECT FROM attempt a WHERE a.workspace_id = k.workspace_id
				AND a.campaign_id = k.id)
		END
	RETURNING k.*, c.total, c.dispatched, c.failed, c.skipped
)
SELECT count(*), publish(array_agg(ROW('campaign.completed', d.workspace_id, d.completed_at, d.kind,
	NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, d.id,
	json_build_object('name', d.name, 'status', d.status, 'counts', json_build_object(
		'total', d.total, 'pending', 0, 'scheduled', 0, 'dispatched', d.dispatched,
		'failed', d.failed, 'skipped', d.skipped))::text)::publishable ORDER BY d.id))
FROM done d
