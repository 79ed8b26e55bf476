-- Cancelled campaigns that still have targets to be skipped or calls to be cancelled. Those whose
-- last calls are being dialed wait for their ends.
-- $1 most int8
-- rows: workspace_id uuid, campaign_id uuid
SELECT c.workspace_id, c.campaign_id
FROM campaign_count c
JOIN campaign k ON k.workspace_id = c.workspace_id AND k.id = c.campaign_id
WHERE c.pending + c.scheduled > 0 AND k.status = 'cancelled'
	AND (c.pending > 0 OR EXISTS (SELECT FROM scheduled_call s
		WHERE s.campaign_id = c.campaign_id AND s.status = 'scheduled'))
LIMIT $1
