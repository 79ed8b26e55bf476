-- A new agent.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 name text
-- $4 endpoint jsonb
-- $5 variables jsonb
-- $6 created_at timestamptz
INSERT INTO agent (workspace_id, id, name, endpoint, variables, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
