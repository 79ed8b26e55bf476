-- Trunks, newest first, without their secrets; one alone by $2.
-- $1 workspace_id uuid
-- $2 trunk_id uuid
-- $3 before uuid
-- $4 most int8
-- rows: id uuid, name text, dialer text, settings jsonb, has_secret bool, created_at timestamptz,
--   updated_at timestamptz
SELECT id, name, dialer, settings, secret IS NOT NULL, created_at, updated_at FROM trunk
WHERE workspace_id = $1 AND deleted_at IS NULL AND id < $3 AND ($2 IS NULL OR id = $2)
ORDER BY id DESC LIMIT $4
