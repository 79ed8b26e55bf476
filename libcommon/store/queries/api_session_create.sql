-- A new session of a key, of which only the hash is stored. It ends with its key. Those of the
-- workspace that are over go, and of the key's others the oldest beyond $6.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 key_id uuid
-- $4 hash bytea
-- $5 expires_at timestamptz
-- $6 most int8
WITH over AS (
	DELETE FROM session s WHERE s.workspace_id = $1 AND (s.expires_at <= now() OR s.id IN (
		SELECT o.id FROM session o WHERE o.workspace_id = $1 AND o.key_id = $3
		ORDER BY o.id DESC OFFSET $6))
)
INSERT INTO session (workspace_id, id, key_id, hash, expires_at)
SELECT $1, $2, k.id, $4, least($5, k.expires_at)
FROM api_key k WHERE k.workspace_id = $1 AND k.id = $3
