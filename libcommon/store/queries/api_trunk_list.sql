-- Trunks, newest first, without their secrets, and how they stand; one alone by $2.
-- $1 workspace_id uuid
-- $2 trunk_id uuid
-- $3 before uuid
-- $4 most int8
-- rows: id uuid, name text, dialer text, settings jsonb, has_secret bool, created_at timestamptz,
--   updated_at timestamptz, state text, state_since timestamptz, state_until timestamptz
SELECT t.id, t.name, t.dialer, t.settings, t.secret IS NOT NULL, t.created_at, t.updated_at,
	-- Nobody says when patience is over.
	CASE WHEN s.until <= now() THEN 'up' ELSE s.state END,
	CASE WHEN s.until <= now() THEN s.until ELSE s.since END,
	CASE WHEN s.until > now() THEN s.until END
FROM trunk t
LEFT JOIN trunk_state s ON s.workspace_id = $1 AND s.trunk_id = t.id
WHERE t.workspace_id = $1 AND t.deleted_at IS NULL AND t.id < $3 AND ($2 IS NULL OR t.id = $2)
ORDER BY t.id DESC LIMIT $4
