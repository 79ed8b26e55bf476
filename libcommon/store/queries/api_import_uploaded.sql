-- The file is in whole; the unit fails where the import was given up meanwhile.
-- $1 workspace_id uuid
-- $2 import_id uuid
-- $3 owner uuid
-- $4 received int8
-- $5 rejected int8
-- $6 bytes int8
-- $7 at timestamptz
-- rows: is_done bool
WITH done AS (
	UPDATE import i SET received = $4, rejected = $5, bytes = $6, uploaded_at = $7, updated_at = $7
	WHERE i.workspace_id = $1 AND i.id = $2 AND i.owner = $3 AND i.status = 'running'
		AND i.uploaded_at IS NULL
	RETURNING 1
)
SELECT expect(count(*) = 1) FROM done
