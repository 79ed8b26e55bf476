-- Campaigns by their ids as the API shows them, in any order; the next occurrence is computed from
-- seen_at. The list and the stored answers of actions have the same columns, so that one function
-- reads them all. Each is a look-up of its own: for a join the planner would rather read small tables
-- as a whole. The subselect hides how many ids there are, or a few would be planned anew each time.
-- $1 workspace_id uuid
-- $2 ids uuid[]
-- rows: id uuid, kind text, name text, description text, status text, status_reason text,
--   agent_id uuid, from_number text, variables jsonb, to_number text, cron text, timezone text,
--   end_at timestamptz, rate_per_minute int4, max_concurrent int4, max_attempts int2,
--   retry_policy jsonb, ring_timeout_s int4, max_duration_s int4, calling_windows jsonb, total int8,
--   pending int8, scheduled int8, dispatched int8, failed int8, skipped int8,
--   seen_at timestamptz, created_at timestamptz, updated_at timestamptz,
--   started_at timestamptz, completed_at timestamptz
SELECT r.id, r.kind, r.name, r.description, r.status, r.status_reason, r.agent_id, r.e164, r.variables,
	r.to_number, r.cron, r.timezone, r.end_at, r.rate_per_minute, r.max_concurrent, r.max_attempts,
	r.retry_policy, r.ring_timeout_s, r.max_duration_s, r.calling_windows, r.total, r.pending,
	r.scheduled, r.dispatched, r.failed, r.skipped, now(), r.created_at, r.updated_at, r.started_at,
	r.completed_at
FROM unnest((SELECT $2::uuid[])) AS x(id)
CROSS JOIN LATERAL (
	SELECT c.id, c.kind, c.name, c.description, c.status, c.status_reason, c.agent_id, n.e164,
		c.variables, c.to_number, c.cron, c.timezone, c.end_at, c.rate_per_minute,
		c.max_concurrent, c.max_attempts, c.retry_policy, c.ring_timeout_s, c.max_duration_s,
		c.calling_windows, k.total, k.pending, k.scheduled, k.dispatched, k.failed, k.skipped,
		c.created_at, c.updated_at, c.started_at, c.completed_at
	FROM campaign c
	JOIN number n ON n.workspace_id = c.workspace_id AND n.id = c.number_id
	JOIN campaign_count k ON k.workspace_id = c.workspace_id AND k.campaign_id = c.id
	WHERE c.workspace_id = $1 AND c.id = x.id
	LIMIT 1
) r
