-- A bulk campaign as a draft, with its counters and its plan.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 name text
-- $4 description text
-- $5 agent_id uuid
-- $6 number_id uuid
-- $7 variables jsonb
-- $8 timezone text
-- $9 rate_per_minute int4
-- $10 max_concurrent int4
-- $11 max_attempts int2
-- $12 retry_policy jsonb
-- $13 ring_timeout_s int4
-- $14 max_duration_s int4
-- $15 created_at timestamptz
WITH made AS (
	INSERT INTO campaign (workspace_id, id, kind, name, description, agent_id, number_id, variables,
		timezone, rate_per_minute, max_concurrent, max_attempts, retry_policy, ring_timeout_s,
		max_duration_s, created_at, updated_at)
	VALUES ($1, $2, 'bulk', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
	RETURNING workspace_id, id
), planned AS (
	INSERT INTO campaign_plan (workspace_id, campaign_id) SELECT workspace_id, id FROM made
)
INSERT INTO campaign_count (workspace_id, campaign_id) SELECT workspace_id, id FROM made
