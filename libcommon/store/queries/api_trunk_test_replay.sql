-- The test of a trunk that a request under an idempotency key made.
-- $1 workspace_id uuid
-- $2 key text
-- rows: test_id uuid
SELECT convert_from(body, 'UTF8')::uuid FROM idempotency WHERE workspace_id = $1 AND key = $2
