-- The delivery that a test under an idempotency key made.
-- $1 workspace_id uuid
-- $2 key text
-- rows: delivery_id uuid
SELECT convert_from(body, 'UTF8')::uuid FROM idempotency WHERE workspace_id = $1 AND key = $2
