-- One line of a workspace's audit trail, by an operator with database credentials.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 action text
-- $4 subject text
INSERT INTO audit (workspace_id, id, action, subject)
SELECT w.id, $2, $3, $4 FROM workspace w WHERE w.id = $1
