-- Locks the workspace's keys with the scope admin until the unit ends: of two requests that revoke
-- the last two of them the second sees what the first has done.
-- $1 workspace_id uuid
-- rows: locked int8
SELECT count(*) FROM (
	SELECT 1 FROM api_key
	WHERE workspace_id = $1 AND revoked_at IS NULL AND 'admin' = ANY (scopes)
	ORDER BY id FOR UPDATE
) k
