-- Calls by their ids, newest first, open and done, with their conversations. While a bulk call stands
-- in line, its instant is the plan's.
-- $1 workspace_id uuid
-- $2 ids uuid[]
-- rows: id uuid, campaign_id uuid, target_id uuid, to_number text, from_number text, agent_id uuid,
--   scheduled_at timestamptz, next_attempt_at timestamptz, status text, outcome text,
--   conversation_id uuid, external_id text, variables jsonb, created_at timestamptz,
--   updated_at timestamptz, talk_status text, started_at timestamptz, ended_at timestamptz,
--   duration_ms int8, billed_s int8, end_reason text
WITH call AS MATERIALIZED (
	SELECT c.id, c.campaign_id, c.target_id, c.slot, c.to_number, c.from_number, c.agent_id,
		c.due_at, c.scheduled_at, c.status, c.outcome, c.conversation_id, c.external_id,
		c.variables, c.created_at, c.updated_at,
		c.status = 'scheduled' AND c.due_at IS NULL AS is_in_line
	FROM scheduled_call c WHERE c.workspace_id = $1 AND c.id = ANY ($2)
	UNION ALL
	SELECT c.id, c.campaign_id, c.target_id, c.slot, c.to_number, c.from_number, c.agent_id,
		c.due_at, c.scheduled_at, c.status, c.outcome, c.conversation_id, c.external_id,
		c.variables, c.created_at, c.updated_at, false
	FROM done_calls($1, $2) c
)
SELECT c.id, c.campaign_id, c.target_id, c.to_number, c.from_number, c.agent_id,
	CASE WHEN c.is_in_line THEN coalesce(i.at, c.scheduled_at) ELSE c.scheduled_at END,
	CASE WHEN c.status = 'scheduled' THEN coalesce(c.due_at, i.at, c.scheduled_at) END,
	c.status, c.outcome, c.conversation_id, c.external_id, c.variables, c.created_at, c.updated_at,
	v.status, v.started_at, v.ended_at, v.duration_ms, v.billed_s, v.end_reason
FROM call c
LEFT JOIN conversations($1, ARRAY(SELECT x.conversation_id FROM call x WHERE x.conversation_id IS NOT NULL)) v
	ON v.id = c.conversation_id
LEFT JOIN LATERAL ( -- with a LIMIT, or all campaigns would be read for a join
	SELECT p.line_at + (c.slot * 60000 / k.rate_per_minute) * interval '1 millisecond' AS at
	FROM campaign k JOIN campaign_plan p ON p.workspace_id = $1 AND p.campaign_id = k.id
	WHERE c.is_in_line AND k.workspace_id = $1 AND k.id = c.campaign_id LIMIT 1
) i ON true
ORDER BY c.id DESC
