-- API keys as they are at $6, newest first; one alone by $2, of one status by $3.
-- $1 workspace_id uuid
-- $2 key_id uuid
-- $3 only text
-- $4 before uuid
-- $5 most int8
-- $6 at timestamptz
-- rows: id uuid, name text, prefix text, last_four text, scopes text[], rate_per_minute int4,
--   status text, expires_at timestamptz, revoked_at timestamptz, created_at timestamptz
SELECT k.id, k.name, k.prefix, k.last_four, k.scopes, k.rate_per_minute, s.status, k.expires_at,
	k.revoked_at, k.created_at
FROM api_key k
CROSS JOIN LATERAL (SELECT CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked'
	WHEN k.expires_at <= $6 THEN 'expired' ELSE 'active' END AS status) s
WHERE k.workspace_id = $1 AND k.id < $4 AND ($2 IS NULL OR k.id = $2)
	AND ($3 IS NULL OR s.status = $3)
ORDER BY k.id DESC LIMIT $5
