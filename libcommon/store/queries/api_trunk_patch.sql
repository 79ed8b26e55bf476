-- Changes a trunk: each value where its flag is set.
-- $1 workspace_id uuid
-- $2 trunk_id uuid
-- $3 sets_name bool
-- $4 name text
-- $5 sets_settings bool
-- $6 settings jsonb
-- $7 sets_secret bool
-- $8 secret bytea
UPDATE trunk SET
	name = CASE WHEN $3 THEN $4 ELSE name END,
	settings = CASE WHEN $5 THEN $6 ELSE settings END,
	secret = CASE WHEN $7 THEN $8 ELSE secret END,
	updated_at = now()
WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL
