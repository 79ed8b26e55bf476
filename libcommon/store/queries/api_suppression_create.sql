-- Puts a number on the workspace's list; one that is there already violates the list's unique key.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 to_number text
-- $4 reason text
-- $5 created_at timestamptz
INSERT INTO suppression (workspace_id, id, to_number, reason, created_at)
VALUES ($1, $2, $3, $4, $5)
