-- Live campaigns that have nothing left to do: bulk ones whose counters say that every target is
-- terminal; recurring ones whose end has passed, all occurrences before it planned and no call open.
-- $1 most int8
-- rows: campaign_id uuid
(SELECT k.id FROM campaign k
JOIN campaign_count c ON c.workspace_id = k.workspace_id AND c.campaign_id = k.id
WHERE k.kind = 'bulk' AND k.status IN ('active', 'paused')
	AND c.total > 0 AND c.pending = 0 AND c.scheduled = 0
LIMIT $1)
UNION ALL
(SELECT k.id FROM campaign k
JOIN campaign_count c ON c.workspace_id = k.workspace_id AND c.campaign_id = k.id
JOIN campaign_plan p ON p.workspace_id = k.workspace_id AND p.campaign_id = k.id
WHERE k.kind = 'recurring' AND k.status IN ('active', 'paused') AND k.end_at <= now()
	AND c.scheduled = 0 AND (k.status = 'paused' OR p.next_occurrence_at IS NULL)
	AND NOT EXISTS (SELECT FROM attempt a WHERE a.workspace_id = k.workspace_id
		AND a.campaign_id = k.id)
LIMIT $1)
LIMIT $1
