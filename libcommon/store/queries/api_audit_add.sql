-- The audit line of a request whose commit is its change. All units of a request share one line.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 key_id uuid
-- $4 action text
-- $5 subject text
-- $6 request_id text
INSERT INTO audit (workspace_id, id, key_id, action, subject, request_id)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (workspace_id, id) DO NOTHING
