-- A new trunk without secrets; nothing when the workspace does not exist.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 name text
-- $4 dialer text
INSERT INTO trunk (workspace_id, id, name, dialer)
SELECT w.id, $2, $3, $4 FROM workspace w WHERE w.id = $1
