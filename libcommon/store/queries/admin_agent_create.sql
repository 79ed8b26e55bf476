-- A new agent; nothing when the workspace does not exist.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 name text
-- $4 endpoint jsonb
INSERT INTO agent (workspace_id, id, name, endpoint)
SELECT w.id, $2, $3, $4 FROM workspace w WHERE w.id = $1
