-- The attempts at a target's call, with the columns of api_attempt_list.
-- $1 workspace_id uuid
-- $2 target_id uuid
-- rows: call_id uuid, number int2, dialed_at timestamptz, answered_at timestamptz,
--   ended_at timestamptz, outcome text, sip_code int2, cause int2, provider_ref text
WITH call AS (
	SELECT c.id, c.attempt_id FROM scheduled_call c
	WHERE c.workspace_id = $1 AND c.target_id = $2
	UNION ALL
	SELECT c.id, NULL FROM scheduled_call_done c WHERE c.workspace_id = $1 AND c.target_id = $2
)
SELECT d.call_id, d.number, d.dialed_at, d.answered_at, d.ended_at, d.outcome, d.sip_code, d.q850,
	d.provider_ref
FROM call
JOIN attempt_done d ON d.workspace_id = $1 AND d.call_id = call.id
UNION ALL
SELECT a.call_id, a.number, a.claimed_at, a.answered_at, NULL, NULL, NULL, NULL, a.provider_ref
FROM call
JOIN attempt a ON a.workspace_id = $1 AND a.id = call.attempt_id
ORDER BY 1 DESC, 2
