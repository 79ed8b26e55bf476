-- The attempts at some calls, ended ones and the open one.
-- $1 workspace_id uuid
-- $2 call_ids uuid[]
-- rows: call_id uuid, number int2, dialed_at timestamptz, answered_at timestamptz,
--   ended_at timestamptz, outcome text, sip_code int2, cause int2, provider_ref text
SELECT d.call_id, d.number, d.dialed_at, d.answered_at, d.ended_at, d.outcome, d.sip_code, d.q850,
	d.provider_ref
FROM done_attempts($1, $2) d
UNION ALL
SELECT a.call_id, a.number, a.claimed_at, a.answered_at, NULL, NULL, NULL, NULL, a.provider_ref
FROM scheduled_call c
JOIN attempt a ON a.workspace_id = c.workspace_id AND a.id = c.attempt_id
WHERE c.workspace_id = $1 AND c.id = ANY ($2)
ORDER BY 1 DESC, 2
