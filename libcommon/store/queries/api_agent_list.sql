-- Agents, newest first; one alone by $2.
-- $1 workspace_id uuid
-- $2 agent_id uuid
-- $3 before uuid
-- $4 most int8
-- rows: id uuid, name text, endpoint jsonb, variables jsonb, created_at timestamptz,
--   updated_at timestamptz
SELECT id, name, endpoint, variables, created_at, updated_at FROM agent
WHERE workspace_id = $1 AND deleted_at IS NULL AND id < $3 AND ($2 IS NULL OR id = $2)
ORDER BY id DESC LIMIT $4
