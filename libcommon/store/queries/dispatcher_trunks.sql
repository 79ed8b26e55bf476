-- Trunks of the dialers asked for that were written since an instant, with their sealed secrets: what
-- a dispatcher tells its dialers. The oldest change first; one that was deleted has no settings.
-- $1 dialers text[]
-- $2 since timestamptz
-- $3 most int8
-- rows: id uuid, dialer text, settings jsonb, secret bytea, updated_at timestamptz
SELECT id, dialer, CASE WHEN deleted_at IS NULL THEN settings ELSE '{}' END,
	CASE WHEN deleted_at IS NULL THEN secret END, updated_at
FROM trunk
WHERE dialer = ANY ($1::text[]) AND updated_at >= $2
	AND (deleted_at IS NULL OR deleted_at > now() - interval '1 hour')
ORDER BY updated_at, id LIMIT $3
