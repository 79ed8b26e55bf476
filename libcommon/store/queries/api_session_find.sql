-- The key behind a session that runs, in the columns of api_key_find; it expires with the session.
-- $1 hash bytea
-- rows: workspace_id uuid, id uuid, scopes text[], rate_per_minute int4, expires_at timestamptz,
--   revoked_at timestamptz, shard int2, prefix text, session_id uuid, requests_per_minute int4
SELECT k.workspace_id, k.id, k.scopes, k.rate_per_minute, least(s.expires_at, k.expires_at),
	k.revoked_at, w.shard, k.prefix, s.id, w.requests_per_minute
FROM session s
JOIN api_key k ON k.workspace_id = s.workspace_id AND k.id = s.key_id
JOIN workspace w ON w.id = k.workspace_id
WHERE s.hash = $1
