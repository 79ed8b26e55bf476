-- Attempts of this dispatcher whose conversation the API was asked to hang up. Requests whose attempt
-- has ended are cleared away: the end was written while the request was.
-- $1 dispatcher_id uuid
-- $2 most int8
-- rows: attempt_id uuid
WITH over AS (
	DELETE FROM hangup h
	WHERE NOT EXISTS (SELECT FROM attempt a
		WHERE a.workspace_id = h.workspace_id AND a.id = h.attempt_id)
)
SELECT h.attempt_id FROM hangup h
JOIN attempt a ON a.workspace_id = h.workspace_id AND a.id = h.attempt_id
-- As in attempt_bridged: not by the index of all that it holds.
WHERE a.dispatcher_id IS NOT DISTINCT FROM $1
ORDER BY h.requested_at
LIMIT $2
