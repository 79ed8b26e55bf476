-- Numbers, newest first; one alone by $2.
-- $1 workspace_id uuid
-- $2 number_id uuid
-- $3 before uuid
-- $4 most int8
-- rows: id uuid, e164 text, trunk_id uuid, calls_per_minute int4, max_concurrent int4,
--   created_at timestamptz, updated_at timestamptz
SELECT id, e164, trunk_id, calls_per_minute, max_concurrent, created_at, updated_at FROM number
WHERE workspace_id = $1 AND deleted_at IS NULL AND id < $3 AND ($2 IS NULL OR id = $2)
ORDER BY id DESC LIMIT $4
