-- Plans of recurring campaigns that have something to be planned up to $1, the oldest first. Also
-- those of campaigns that are not active: they are put aside.
-- $1 until timestamptz
-- $2 most int8
-- rows: workspace_id uuid, campaign_id uuid, is_active bool, cron text, timezone text,
--   end_at timestamptz, version int4, planned_after timestamptz, planned_nominal int8,
--   next_at timestamptz, tzdata text
SELECT p.workspace_id, p.campaign_id, k.status = 'active' AND k.kind = 'recurring', k.cron,
	k.timezone, k.end_at, k.schedule_version, p.planned_after, p.planned_nominal,
	p.next_occurrence_at, p.tzdata
FROM campaign_plan p
JOIN campaign k ON k.workspace_id = p.workspace_id AND k.id = p.campaign_id
WHERE p.next_occurrence_at <= $1
ORDER BY p.next_occurrence_at, p.campaign_id
LIMIT $2
