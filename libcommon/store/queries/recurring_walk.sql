-- Live recurring campaigns after $1, by their id, with the time zone database that their calls were
-- planned with. All of them, since whoever walks in pages must not read the same rows for each page.
-- $1 after_id uuid
-- $2 most int8
-- rows: workspace_id uuid, campaign_id uuid, cron text, timezone text, end_at timestamptz,
--   version int4, tzdata text
SELECT k.workspace_id, k.id, k.cron, k.timezone, k.end_at, k.schedule_version, p.tzdata
FROM campaign k
JOIN campaign_plan p ON p.workspace_id = k.workspace_id AND p.campaign_id = k.id
WHERE k.kind = 'recurring' AND k.status IN ('active', 'paused')
	AND k.id > coalesce($1, '00000000-0000-0000-0000-000000000000')
ORDER BY k.id
LIMIT $2
