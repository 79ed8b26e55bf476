-- A new webhook endpoint; its secret comes sealed.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 url text
-- $4 description text
-- $5 events text[]
-- $6 secret bytea
-- $7 created_at timestamptz
INSERT INTO webhook_endpoint (workspace_id, id, url, description, events, secret, created_at,
	updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
