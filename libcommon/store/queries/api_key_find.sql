-- The key that a bearer token hashes to, with what its workspace needs at each request.
-- $1 hash bytea
-- rows: workspace_id uuid, id uuid, scopes text[], rate_per_minute int4, expires_at timestamptz,
--   revoked_at timestamptz, shard int2, prefix text, session_id uuid, requests_per_minute int4
SELECT k.workspace_id, k.id, k.scopes, k.rate_per_minute, k.expires_at, k.revoked_at, w.shard,
	k.prefix, NULL::uuid, w.requests_per_minute
FROM api_key k JOIN workspace w ON w.id = k.workspace_id
WHERE k.hash = $1
