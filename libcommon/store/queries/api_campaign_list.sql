-- Campaigns, newest first, with the columns of api_campaign_get.
-- $1 workspace_id uuid
-- $2 kind text
-- $3 status text
-- $4 name_like text
-- $5 before uuid
-- $6 most int8
-- rows: id uuid, kind text, name text, description text, status text, status_reason text,
--   agent_id uuid, from_number text, variables jsonb, to_number text, cron text, timezone text,
--   end_at timestamptz, rate_per_minute int4, max_concurrent int4, max_attempts int2,
--   retry_policy jsonb, ring_timeout_s int4, max_duration_s int4, calling_windows jsonb, total int8,
--   pending int8, scheduled int8, dispatched int8, failed int8, skipped int8,
--   seen_at timestamptz, created_at timestamptz, updated_at timestamptz,
--   started_at timestamptz, completed_at timestamptz
SELECT c.id, c.kind, c.name, c.description, c.status, c.status_reason, c.agent_id, n.e164 AS from_number,
	c.variables, c.to_number, c.cron, c.timezone, c.end_at, c.rate_per_minute, c.max_concurrent,
	c.max_attempts, c.retry_policy, c.ring_timeout_s, c.max_duration_s, c.calling_windows, k.total,
	k.pending, k.scheduled, k.dispatched, k.failed, k.skipped, now(), c.created_at,
	c.updated_at, c.started_at, c.completed_at
FROM campaign c
JOIN number n ON n.workspace_id = c.workspace_id AND n.id = c.number_id
JOIN campaign_count k ON k.workspace_id = c.workspace_id AND k.campaign_id = c.id
WHERE c.workspace_id = $1 AND c.id < $5
	AND ($2 IS NULL OR c.kind = $2) AND ($3 IS NULL OR c.status = $3)
	AND ($4 IS NULL OR lower(c.name) LIKE lower($4))
ORDER BY c.id DESC
LIMIT $6
