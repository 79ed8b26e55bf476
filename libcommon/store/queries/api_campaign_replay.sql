-- The campaign's row that an action stored under an idempotency key, with the columns of
-- api_campaign_get.
-- $1 workspace_id uuid
-- $2 key text
-- rows: id uuid, kind text, name text, description text, status text, status_reason text,
--   agent_id uuid, from_number text, variables jsonb, to_number text, cron text, timezone text,
--   end_at timestamptz, rate_per_minute int4, max_concurrent int4, max_attempts int2,
--   retry_policy jsonb, ring_timeout_s int4, max_duration_s int4, calling_windows jsonb, total int8,
--   pending int8, scheduled int8, dispatched int8, failed int8, skipped int8,
--   seen_at timestamptz, created_at timestamptz, updated_at timestamptz,
--   started_at timestamptz, completed_at timestamptz
SELECT r.id, r.kind, r.name, r.description, r.status, r.status_reason, r.agent_id, r.from_number,
	r.variables, r.to_number, r.cron, r.timezone, r.end_at, r.rate_per_minute, r.max_concurrent,
	r.max_attempts, r.retry_policy, r.ring_timeout_s, r.max_duration_s, r.calling_windows, r.total,
	r.pending, r.scheduled, r.dispatched, r.failed, r.skipped, r.seen_at, r.created_at,
	r.updated_at, r.started_at, r.completed_at
FROM idempotency i
CROSS JOIN jsonb_to_record(convert_from(i.body, 'UTF8')::jsonb) AS r (
	id uuid, kind text, name text, description text, status text, status_reason text,
	agent_id uuid, from_number text, variables jsonb, to_number text, cron text,
	timezone text, end_at timestamptz, rate_per_minute int, max_concurrent int,
	max_attempts smallint, retry_policy jsonb, ring_timeout_s int,
	max_duration_s int, calling_windows jsonb, total bigint, pending bigint,
	scheduled bigint, dispatched bigint, failed bigint, skipped bigint,
	seen_at timestamptz, created_at timestamptz, updated_at timestamptz,
	started_at timestamptz, completed_at timestamptz)
WHERE i.workspace_id = $1 AND i.key = $2 AND i.status = 200
