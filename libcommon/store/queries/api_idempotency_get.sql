-- The answer stored under an idempotency key of the last 24 hours.
-- $1 workspace_id uuid
-- $2 key text
-- rows: request_hash bytea, status int2, body bytea, is_sealed bool
SELECT request_hash, status, body, is_sealed FROM idempotency
WHERE workspace_id = $1 AND key = $2 AND created_at > now() - interval '24 hours'
