-- Changes a webhook endpoint that is as it was read, or fails the unit. A new secret makes the one
-- before the old one, until the given moment (NULL: at once no longer). Another status begins
-- without the failures counted before.
-- $1 workspace_id uuid
-- $2 endpoint_id uuid
-- $3 was_updated_at timestamptz
-- $4 url text
-- $5 description text
-- $6 events text[]
-- $7 status text
-- $8 disabled_reason text
-- $9 new_secret bytea
-- $10 old_until timestamptz
-- $11 updated_at timestamptz
-- rows: is_done bool
WITH changed AS (
	UPDATE webhook_endpoint SET url = $4, description = $5, events = $6, status = $7,
		disabled_reason = $8,
		secret = coalesce($9, secret),
		secret_old = CASE WHEN $9 IS NULL THEN secret_old
			WHEN $10 IS NOT NULL THEN secret END,
		secret_old_until = CASE WHEN $9 IS NULL THEN secret_old_until ELSE $10 END,
		consecutive_failures = CASE WHEN status = $7 THEN consecutive_failures ELSE 0 END,
		failing_since = CASE WHEN status = $7 THEN failing_since END,
		updated_at = $11
	WHERE workspace_id = $1 AND id = $2 AND updated_at = $3 AND deleted_at IS NULL
	RETURNING 1
)
SELECT expect(count(*) = 1) FROM changed
