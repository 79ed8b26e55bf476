-- Stores the campaign's row, as it is now, as the answer of an action that led to this status; an
-- action that failed stores nothing. api_campaign_replay reads it.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 key text
-- $4 request_hash bytea
-- $5 status text
INSERT INTO idempotency (workspace_id, key, request_hash, status, body)
SELECT $1, $3, $4, 200, convert_to(to_jsonb(x)::text, 'UTF8')
FROM (
	SELECT c.id, c.kind, c.name, c.description, c.status, c.status_reason, c.agent_id, n.e164 AS from_number,
		c.variables, c.to_number, c.cron, c.timezone, c.end_at, c.rate_per_minute, c.max_concurrent,
		c.max_attempts, c.retry_policy, c.ring_timeout_s, c.max_duration_s, c.calling_windows, k.total,
		k.pending, k.scheduled, k.dispatched, k.failed, k.skipped, now() AS seen_at, c.created_at,
		c.updated_at, c.started_at, c.completed_at
	FROM campaign c
	JOIN number n ON n.workspace_id = c.workspace_id AND n.id = c.number_id
	JOIN campaign_count k ON k.workspace_id = c.workspace_id AND k.campaign_id = c.id
	WHERE c.workspace_id = $1 AND c.id = $2
) x
WHERE x.status = $5
