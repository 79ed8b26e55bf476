-- What holds a campaign back: its limits, those of its number, trunk and workspace, and the attempts open
-- under each.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- rows: status text, number_id uuid, shard int2, campaign_rate int4, workspace_rate int4,
--   number_rate int4, campaign_most int4, workspace_most int4, number_most int4, trunk_most int8,
--   campaign_open int8, workspace_open int8, number_open int8, trunk_open int8
SELECT k.status, n.id, w.shard, k.rate_per_minute, w.calls_per_minute, n.calls_per_minute,
	k.max_concurrent, w.max_concurrent, n.max_concurrent,
	CASE WHEN jsonb_typeof(t.settings -> 'max_concurrent') = 'number'
		THEN (t.settings ->> 'max_concurrent')::numeric::bigint END,
	o.of_campaign, o.of_workspace, o.of_number, o.of_trunk
FROM campaign k
JOIN workspace w ON w.id = k.workspace_id
JOIN number n ON n.workspace_id = k.workspace_id AND n.id = k.number_id
JOIN trunk t ON t.workspace_id = n.workspace_id AND t.id = n.trunk_id
CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE a.campaign_id = k.id) AS of_campaign, count(*) AS of_workspace,
		count(*) FILTER (WHERE a.number_id = n.id) AS of_number,
		count(*) FILTER (WHERE a.trunk_id = t.id) AS of_trunk
	FROM attempt a WHERE a.workspace_id = k.workspace_id
) o
WHERE k.workspace_id = $1 AND k.id = $2
