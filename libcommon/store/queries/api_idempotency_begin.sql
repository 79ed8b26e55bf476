-- First statement of a unit under an idempotency key: fails the whole unit (division by zero)
-- while another request under the same key is in flight, and clears an answer that is too old.
-- Who passes and still meets a stored answer fails at the INSERT on the key.
-- $1 workspace_id uuid
-- $2 key text
-- rows: passed int4
WITH expired AS (
	DELETE FROM idempotency
	WHERE workspace_id = $1 AND key = $2 AND created_at <= now() - interval '24 hours'
)
SELECT 1 / pg_try_advisory_xact_lock(hashtextextended($1::text || $2, 7))::int
