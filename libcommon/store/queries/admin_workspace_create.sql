-- A new workspace with its event sequence; nothing when the time zone is unknown.
-- $1 workspace_id uuid
-- $2 name text
-- $3 timezone text
-- $4 calls_per_minute int4
-- $5 max_concurrent int4
WITH made AS (
	INSERT INTO workspace (id, name, timezone, calls_per_minute, max_concurrent)
	SELECT $1, $2, $3, $4, $5
	WHERE EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = $3)
	RETURNING id
)
INSERT INTO workspace_sequence (workspace_id) SELECT made.id FROM made
