-- Takes a number off the workspace's list.
-- $1 workspace_id uuid
-- $2 suppression_id uuid
-- rows: found int8, deleted int8
WITH gone AS (
	DELETE FROM suppression WHERE workspace_id = $1 AND id = $2 RETURNING 1
)
SELECT count(*), count(*) FROM gone
