-- A new API key, of which only the hash is stored.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 name text
-- $4 prefix text
-- $5 last_four text
-- $6 hash bytea
-- $7 scopes text[]
-- $8 rate_per_minute int4
-- $9 expires_at timestamptz
-- $10 created_at timestamptz
INSERT INTO api_key (workspace_id, id, name, prefix, last_four, hash, scopes, rate_per_minute,
	expires_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
