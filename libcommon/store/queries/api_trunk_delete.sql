-- Deletes a trunk unless a number stands on it.
-- $1 workspace_id uuid
-- $2 trunk_id uuid
-- rows: found int8, deleted int8
WITH found AS (
	SELECT t.id FROM trunk t
	WHERE t.workspace_id = $1 AND t.id = $2 AND t.deleted_at IS NULL FOR UPDATE
), gone AS (
	UPDATE trunk t SET deleted_at = now(), updated_at = now() FROM found
	WHERE t.workspace_id = $1 AND t.id = found.id AND NOT EXISTS (
		SELECT FROM number n WHERE n.workspace_id = $1 AND n.trunk_id = $2
			AND n.deleted_at IS NULL)
	RETURNING 1
)
SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM gone)
