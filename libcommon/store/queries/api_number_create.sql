-- A new number on a trunk of the workspace; without the trunk no row is made.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 e164 text
-- $4 trunk_id uuid
-- $5 calls_per_minute int4
-- $6 max_concurrent int4
-- $7 created_at timestamptz
INSERT INTO number (workspace_id, id, e164, trunk_id, calls_per_minute, max_concurrent, created_at,
	updated_at)
VALUES ($1, $2, $3, (SELECT coalesce((SELECT t.id FROM trunk t WHERE t.workspace_id = $1
	AND t.id = $4 AND t.deleted_at IS NULL), '00000000-0000-0000-0000-000000000000')),
	$5, $6, $7, $7)
