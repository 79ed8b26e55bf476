-- A new API key, of which only the hash is stored; nothing when the workspace does not exist, or
-- when the very key stands already.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 name text
-- $4 prefix text
-- $5 last_four text
-- $6 hash bytea
-- $7 scopes text[]
-- $8 rate_per_minute int4
INSERT INTO api_key (workspace_id, id, name, prefix, last_four, hash, scopes, rate_per_minute)
SELECT w.id, $2, $3, $4, $5, $6, $7, $8 FROM workspace w WHERE w.id = $1
ON CONFLICT (hash) DO NOTHING
