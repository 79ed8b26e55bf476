-- Calls with an instant of their own (retries, occurrences, ad hoc) that fall due after ($1, $2)
-- and not after $3, in order. Without $2 those that fall due at $1 itself are among them.
-- $1 after_at timestamptz
-- $2 after_id uuid
-- $3 until timestamptz
-- $4 most int8
-- rows: workspace_id uuid, call_id uuid, campaign_id uuid, number_id uuid, due_at timestamptz,
--   shard int2, campaign_per_minute int4, workspace_per_minute int4, number_per_minute int4
SELECT c.workspace_id, c.id, c.campaign_id, c.number_id, c.due_at, w.shard, k.rate_per_minute,
	w.calls_per_minute, n.calls_per_minute
FROM scheduled_call c
JOIN workspace w ON w.id = c.workspace_id
JOIN number n ON n.workspace_id = c.workspace_id AND n.id = c.number_id
LEFT JOIN campaign k ON k.workspace_id = c.workspace_id AND k.id = c.campaign_id
WHERE (c.due_at, c.id) > ($1, coalesce($2, '00000000-0000-0000-0000-000000000000')) AND c.due_at <= $3
	AND c.status = 'scheduled'
	AND (k.id IS NULL OR k.status = 'active' OR (k.kind = 'recurring' AND k.status = 'paused'
		AND k.status_reason IS NULL))
ORDER BY c.due_at, c.id
LIMIT $4
