-- An ad hoc call with its event, which most workspaces have nobody for; publish() would find that out
-- too, at the price of a third of the statement. It publishes, so it stands last in its unit.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 number_id uuid
-- $4 agent_id uuid
-- $5 to_number text
-- $6 from_number text
-- $7 external_id text
-- $8 variables jsonb
-- $9 max_attempts int2
-- $10 retry_policy jsonb
-- $11 due_at timestamptz
-- $12 catch_up_s int4
-- $13 created_at timestamptz
-- rows: deliveries int8
WITH made AS (
	INSERT INTO scheduled_call (workspace_id, id, number_id, agent_id, to_number, from_number,
		external_id, variables, max_attempts, retry_policy, due_at, scheduled_at, catch_up_s,
		created_at, updated_at, status)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $13, 'scheduled')
	RETURNING scheduled_call AS call
)
SELECT CASE WHEN EXISTS (SELECT FROM webhook_endpoint e WHERE e.workspace_id = $1
		AND e.status = 'enabled' AND e.deleted_at IS NULL
		AND e.events && ARRAY['*', 'scheduled_call.created'])
	THEN publish(ARRAY[ROW('scheduled_call.created', $1, $13, NULL, m.call, NULL, NULL, NULL, NULL,
		NULL, NULL, NULL, NULL, NULL, NULL, NULL)::publishable])
	ELSE 0 END
FROM made m
