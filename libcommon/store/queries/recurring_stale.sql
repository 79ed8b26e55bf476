-- Live recurring campaigns whose calls were planned with another time zone database than $1.
-- $1 tzdata text
-- $2 after_id uuid
-- $3 most int8
-- rows: workspace_id uuid, campaign_id uuid, cron text, timezone text, end_at timestamptz,
--   version int4, planned_after timestamptz, tzdata text
SELECT k.workspace_id, k.id, k.cron, k.timezone, k.end_at, k.schedule_version, p.planned_after,
	p.tzdata
FROM campaign k
JOIN campaign_plan p ON p.workspace_id = k.workspace_id AND p.campaign_id = k.id
WHERE k.kind = 'recurring' AND k.status IN ('active', 'paused') AND ($2 IS NULL OR k.id > $2)
	AND p.tzdata <> $1
ORDER BY k.id
LIMIT $3
