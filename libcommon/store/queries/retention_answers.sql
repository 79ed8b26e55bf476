-- Deletes answers stored under idempotency keys that are too old to be given, a bounded number.
-- $1 most int8
DELETE FROM idempotency WHERE ctid = ANY (ARRAY(
	SELECT i.ctid FROM idempotency i WHERE i.created_at <= now() - interval '24 hours'
	ORDER BY i.created_at LIMIT $1))
