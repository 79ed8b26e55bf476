-- Asks for the end of a conversation whose attempt is open: the dispatcher that holds it reads this.
-- A row comes back when it is asked for, now or before, and the answer is kept under the idempotency
-- key, if there is one, only then.
-- $1 workspace_id uuid
-- $2 conversation_id uuid
-- $3 body text
-- $4 key text
-- $5 request_hash bytea
-- rows: call_id uuid
WITH open AS (
	SELECT a.id, a.call_id FROM conversation v
	JOIN attempt a ON a.workspace_id = $1 AND a.id = v.attempt_id
	WHERE v.workspace_id = $1 AND v.id = $2 AND v.status = 'in_progress'
	FOR KEY SHARE OF a
), asked AS (
	INSERT INTO hangup (workspace_id, attempt_id, conversation_id)
	SELECT $1, o.id, $2 FROM open o
	ON CONFLICT (workspace_id, attempt_id) DO NOTHING
), kept AS (
	INSERT INTO idempotency (workspace_id, key, request_hash, status, body)
	SELECT $1, $4, $5, 202, convert_to($3, 'UTF8') FROM open WHERE $4 IS NOT NULL
)
SELECT call_id FROM open
