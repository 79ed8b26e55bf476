-- Stores the next rows of a file that comes in, good ones and the errors of bad ones, either of them
-- perhaps none; it also says that the upload is alive. No row: the import was given up.
-- $1 workspace_id uuid
-- $2 import_id uuid
-- $3 owner uuid
-- $4 n int8
-- $5 to_numbers text[]
-- $6 names text[]
-- $7 external_ids text[]
-- $8 timezones text[]
-- $9 variables jsonb[]
-- $10 lines text
-- $11 received int8
-- $12 rejected int8
-- $13 bytes int8
-- rows: id uuid
WITH mine AS (
	UPDATE import i SET received = $11, rejected = $12, bytes = $13, updated_at = now()
	WHERE i.workspace_id = $1 AND i.id = $2 AND i.owner = $3 AND i.status = 'running'
		AND i.uploaded_at IS NULL
	RETURNING i.id
), block AS (
	INSERT INTO import_block (workspace_id, import_id, n, to_numbers, names, external_ids,
		timezones, variables)
	SELECT $1, m.id, $4, $5, $6, $7, $8, $9 FROM mine m WHERE cardinality($5) > 0
), errors AS (
	INSERT INTO import_error (workspace_id, import_id, n, lines)
	SELECT $1, m.id, $4, $10 FROM mine m WHERE $10 IS NOT NULL
)
SELECT id FROM mine
