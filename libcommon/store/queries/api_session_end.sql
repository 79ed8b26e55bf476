-- Ends a session.
-- $1 workspace_id uuid
-- $2 id uuid
DELETE FROM session s WHERE s.workspace_id = $1 AND s.id = $2
