-- Live bulk campaigns with all that planning needs: one (by id), or all. Calling windows by the
-- target's zone hold no line: each call meets them at its claim.
-- $1 campaign_id uuid
-- $2 after_id uuid
-- $3 most int8
-- rows: workspace_id uuid, campaign_id uuid, status text, status_reason text, rate_per_minute int4,
--   workspace_per_minute int4, number_per_minute int4, number_id uuid, shard int2,
--   line_at timestamptz, next_slot int8, position int8, last_position int8, total int8,
--   pending int8, scheduled int8, campaign_at timestamptz, calling_windows jsonb, timezone text
SELECT k.workspace_id, k.id, k.status, k.status_reason, k.rate_per_minute, w.calls_per_minute,
	n.calls_per_minute, k.number_id, w.shard, p.line_at, p.next_slot, p.position,
	c.next_position - 1, c.total, c.pending, c.scheduled, k.updated_at,
	CASE WHEN k.calling_windows->>'timezone' IS DISTINCT FROM 'target' THEN k.calling_windows END,
	k.timezone
FROM campaign k
JOIN campaign_plan p ON p.workspace_id = k.workspace_id AND p.campaign_id = k.id
JOIN campaign_count c ON c.workspace_id = k.workspace_id AND c.campaign_id = k.id
JOIN workspace w ON w.id = k.workspace_id
JOIN number n ON n.workspace_id = k.workspace_id AND n.id = k.number_id
WHERE k.kind = 'bulk' AND k.status IN ('active', 'paused')
	AND ($1 IS NULL OR k.id = $1) AND ($2 IS NULL OR k.id > $2)
ORDER BY k.id
LIMIT $3
