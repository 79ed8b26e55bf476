-- Numbers whose callee does not want such calls (SIP 607) go on their workspace's suppression list.
-- Before attempt_ended in its unit, and only for attempts that this dispatcher still holds, as there.
-- $1 dispatcher_id uuid
-- $2 workspace_ids uuid[]
-- $3 attempt_ids uuid[]
-- rows: none
INSERT INTO suppression (workspace_id, id, to_number, reason)
SELECT c.workspace_id, uuid7(now(), row_number() OVER (ORDER BY c.to_number)), c.to_number,
	'unwanted: the callee rejected a call (SIP 607)'
FROM attempt a
JOIN scheduled_call c ON c.workspace_id = a.workspace_id AND c.id = a.call_id
WHERE (a.workspace_id, a.id) IN (
		SELECT x.workspace_id, x.attempt_id
		FROM unnest($2::uuid[], $3::uuid[]) AS x (workspace_id, attempt_id))
	AND a.dispatcher_id IS NOT DISTINCT FROM $1 -- as in attempt_bridged
ORDER BY c.to_number -- two such units take the list's entries in one order
ON CONFLICT (workspace_id, to_number) DO NOTHING
