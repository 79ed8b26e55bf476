-- A new trunk; its secret settings come sealed.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 name text
-- $4 dialer text
-- $5 settings jsonb
-- $6 secret bytea
-- $7 created_at timestamptz
INSERT INTO trunk (workspace_id, id, name, dialer, settings, secret, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
