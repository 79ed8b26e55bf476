-- Changes an agent: each value where its flag is set.
-- $1 workspace_id uuid
-- $2 agent_id uuid
-- $3 sets_name bool
-- $4 name text
-- $5 sets_endpoint bool
-- $6 endpoint jsonb
-- $7 sets_variables bool
-- $8 variables jsonb
UPDATE agent SET
	name = CASE WHEN $3 THEN $4 ELSE name END,
	endpoint = CASE WHEN $5 THEN $6 ELSE endpoint END,
	variables = CASE WHEN $7 THEN $8 ELSE variables END,
	updated_at = now()
WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL
