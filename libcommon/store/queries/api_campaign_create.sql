-- A campaign as a draft, with its counters and its plan.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 kind text
-- $4 name text
-- $5 description text
-- $6 agent_id uuid
-- $7 number_id uuid
-- $8 variables jsonb
-- $9 to_number text
-- $10 cron text
-- $11 timezone text
-- $12 end_at timestamptz
-- $13 rate_per_minute int4
-- $14 max_concurrent int4
-- $15 max_attempts int2
-- $16 retry_policy jsonb
-- $17 ring_timeout_s int4
-- $18 max_duration_s int4
-- $19 calling_windows jsonb
-- $20 created_at timestamptz
WITH made AS (
	INSERT INTO campaign (workspace_id, id, kind, name, description, agent_id, number_id, variables,
		to_number, cron, timezone, end_at, rate_per_minute, max_concurrent, max_attempts,
		retry_policy, ring_timeout_s, max_duration_s, calling_windows, created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
		$20, $20)
	RETURNING workspace_id, id
), planned AS (
	INSERT INTO campaign_plan (workspace_id, campaign_id) SELECT workspace_id, id FROM made
)
INSERT INTO campaign_count (workspace_id, campaign_id) SELECT workspace_id, id FROM made
