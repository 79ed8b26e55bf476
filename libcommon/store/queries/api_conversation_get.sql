-- Conversations by their ids, in the order of the ids, each with what its call says.
-- $1 workspace_id uuid
-- $2 ids uuid[]
-- rows: id uuid, call_id uuid, campaign_id uuid, target_id uuid, to_number text, from_number text,
--   agent_id uuid, external_id text, status text, started_at timestamptz, ended_at timestamptz,
--   duration_ms int8, billed_s int8, end_reason text
SELECT v.id, v.call_id, c.campaign_id, c.target_id, c.to_number, c.from_number, c.agent_id,
	c.external_id, v.status, v.started_at, v.ended_at, v.duration_ms, v.billed_s, v.end_reason
FROM unnest($2::uuid[]) WITH ORDINALITY AS x (id, n)
JOIN conversation v ON v.workspace_id = $1 AND v.id = x.id
LEFT JOIN LATERAL (
	SELECT o.campaign_id, o.target_id, o.to_number, o.from_number, o.agent_id, o.external_id
	FROM scheduled_call o WHERE o.workspace_id = $1 AND o.id = v.call_id
	UNION ALL
	SELECT d.campaign_id, d.target_id, d.to_number, d.from_number, d.agent_id, d.external_id
	FROM scheduled_call_done d WHERE d.workspace_id = $1 AND d.id = v.call_id
	LIMIT 1
) c ON true
ORDER BY x.n
