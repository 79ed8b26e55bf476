-- Stores an answer that is known before the unit runs.
-- $1 workspace_id uuid
-- $2 key text
-- $3 request_hash bytea
-- $4 status int2
-- $5 body bytea
-- $6 is_sealed bool
INSERT INTO idempotency (workspace_id, key, request_hash, status, body, is_sealed)
VALUES ($1, $2, $3, $4, $5, $6)
