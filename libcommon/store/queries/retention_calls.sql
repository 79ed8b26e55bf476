-- Deletes finished calls, their attempts and conversations that are older than a moment and stand in no
-- partition of their own time, a bounded number of each. (What has one is dropped with it.)
-- $1 older_than timestamptz
-- $2 most int8
-- rows: calls int8, attempts int8, conversations int8
WITH calls AS (
	DELETE FROM scheduled_call_done_default WHERE ctid = ANY (ARRAY(
		SELECT c.ctid FROM scheduled_call_done_default c
		WHERE c.id < uuid7_floor($1) AND c.updated_at < $1 LIMIT $2))
	RETURNING 1
), attempts AS (
	DELETE FROM attempt_done_default WHERE ctid = ANY (ARRAY(
		SELECT a.ctid FROM attempt_done_default a
		WHERE a.call_id < uuid7_floor($1) AND a.ended_at < $1
		AND (SELECT true FROM scheduled_call c WHERE c.workspace_id = a.workspace_id
			AND c.id = a.call_id) IS NULL
		LIMIT $2))
	RETURNING 1
), conversations AS (
	DELETE FROM conversation_default WHERE ctid = ANY (ARRAY(
		SELECT v.ctid FROM conversation_default v
		WHERE v.id < uuid7_floor($1) AND v.ended_at < $1 LIMIT $2))
	RETURNING 1
)
SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM attempts), (SELECT count(*) FROM conversations)
