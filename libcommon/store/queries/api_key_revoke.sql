-- Revokes a key, unless it is the last good one with the scope admin. Run it under
-- api_key_lock_admins. A key that is revoked already counts as done.
-- $1 workspace_id uuid
-- $2 key_id uuid
-- rows: found int8, done int8
WITH revoked AS (
	UPDATE api_key k SET revoked_at = now()
	WHERE k.workspace_id = $1 AND k.id = $2 AND k.revoked_at IS NULL
		AND (NOT 'admin' = ANY (k.scopes) OR k.expires_at <= now() OR EXISTS (
			SELECT FROM api_key o
			WHERE o.workspace_id = $1 AND o.id <> $2 AND 'admin' = ANY (o.scopes)
				AND o.revoked_at IS NULL AND coalesce(o.expires_at > now(), true)))
	RETURNING 1
)
SELECT count(*), (SELECT count(*) FROM revoked) + count(k.revoked_at)
FROM api_key k WHERE k.workspace_id = $1 AND k.id = $2
