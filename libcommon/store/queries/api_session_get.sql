-- Who is asking: a key with its workspace, and its session where there is one.
-- $1 workspace_id uuid
-- $2 key_id uuid
-- $3 session_id uuid
-- rows: key_name text, prefix text, last_four text, scopes text[], workspace_name text, timezone text,
--   session_expires_at timestamptz, key_expires_at timestamptz
SELECT k.name, k.prefix, k.last_four, k.scopes, w.name, w.timezone, s.expires_at, k.expires_at
FROM api_key k
JOIN workspace w ON w.id = k.workspace_id
LEFT JOIN session s ON s.workspace_id = k.workspace_id AND s.id = $3
WHERE k.workspace_id = $1 AND k.id = $2
