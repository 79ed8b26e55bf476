-- What a request under an idempotency key waits for: the test of a trunk, or a test's delivery.
-- $1 workspace_id uuid
-- $2 key text
-- rows: id uuid
SELECT convert_from(body, 'UTF8')::uuid FROM idempotency WHERE workspace_id = $1 AND key = $2
