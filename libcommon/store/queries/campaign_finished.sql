-- Live bulk campaigns whose counters say that every target is terminal.
-- $1 most int8
-- rows: campaign_id uuid
SELECT k.id FROM campaign k
JOIN campaign_count c ON c.workspace_id = k.workspace_id AND c.campaign_id = k.id
WHERE k.kind = 'bulk' AND k.status IN ('active', 'paused')
	AND c.total > 0 AND c.pending = 0 AND c.scheduled = 0
LIMIT $1
