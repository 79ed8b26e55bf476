-- Calls of these campaigns that are due up to $2: what was planned or held until the feeder had gone
-- past its instant. The columns are those of due_feed.
-- $1 campaign_ids uuid[]
-- $2 until timestamptz
-- $3 most int8
-- rows: workspace_id uuid, call_id uuid, campaign_id uuid, number_id uuid, due_at timestamptz,
--   shard int2, campaign_per_minute int4, workspace_per_minute int4, number_per_minute int4
SELECT c.workspace_id, c.id, c.campaign_id, c.number_id, c.due_at, w.shard, k.rate_per_minute,
	w.calls_per_minute, n.calls_per_minute
FROM scheduled_call c
JOIN campaign k ON k.workspace_id = c.workspace_id AND k.id = c.campaign_id
JOIN workspace w ON w.id = c.workspace_id
JOIN number n ON n.workspace_id = c.workspace_id AND n.id = c.number_id
WHERE c.campaign_id = ANY ($1) AND c.status = 'scheduled'
	AND (c.due_at <= $2) IS TRUE -- the campaigns lead to the calls, never the instants
	AND (k.status = 'active' OR (k.status = 'paused' AND k.status_reason IS NULL))
LIMIT $3
