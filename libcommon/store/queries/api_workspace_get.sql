-- The workspace of the key.
-- $1 workspace_id uuid
-- rows: id uuid, name text, timezone text, calls_per_minute int4, max_concurrent int4,
--   requests_per_minute int4, billing_increment_s int4, credit_s int8, created_at timestamptz, updated_at timestamptz
SELECT id, name, timezone, calls_per_minute, max_concurrent, requests_per_minute,
	billing_increment_s, credit_s, created_at, updated_at
FROM workspace WHERE $1 = workspace.id
