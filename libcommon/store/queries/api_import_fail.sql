-- Gives an import up, with the rows that are no targets yet.
-- $1 workspace_id uuid
-- $2 import_id uuid
-- $3 owner uuid
-- $4 reason text
WITH mine AS (
	UPDATE import i SET status = 'failed', reason = $4, updated_at = now(), completed_at = now()
	WHERE i.workspace_id = $1 AND i.id = $2 AND i.owner = $3 AND i.status = 'running'
	RETURNING i.id
)
DELETE FROM import_block b USING mine m WHERE b.workspace_id = $1 AND b.import_id = m.id
