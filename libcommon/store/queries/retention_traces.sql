-- Deletes traces whose calls are long over, a bounded number.
-- $1 older_than timestamptz
-- $2 most int8
DELETE FROM call_trace WHERE ctid = ANY (ARRAY(
	SELECT t.ctid FROM call_trace t WHERE t.created_at <= $1 ORDER BY t.created_at LIMIT $2))
