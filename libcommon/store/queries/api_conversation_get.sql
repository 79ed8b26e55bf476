-- Conversations by their ids, in the order of the ids, each with what its call says.
-- $1 workspace_id uuid
-- $2 ids uuid[]
-- rows: id uuid, call_id uuid, campaign_id uuid, target_id uuid, to_number text, from_number text,
--   agent_id uuid, external_id text, status text, started_at timestamptz, ended_at timestamptz,
--   duration_ms int8, billed_s int8, end_reason text
WITH talk AS MATERIALIZED (
	SELECT v.id, v.call_id, v.status, v.started_at, v.ended_at, v.duration_ms, v.billed_s, v.end_reason
	FROM conversations($1, $2) v
), call AS (
	SELECT o.id, o.campaign_id, o.target_id, o.to_number, o.from_number, o.agent_id, o.external_id
	FROM scheduled_call o WHERE o.workspace_id = $1 AND o.id = ANY (ARRAY(SELECT t.call_id FROM talk t))
	UNION ALL
	SELECT d.id, d.campaign_id, d.target_id, d.to_number, d.from_number, d.agent_id, d.external_id
	FROM done_calls($1, ARRAY(SELECT t.call_id FROM talk t)) d
)
SELECT v.id, v.call_id, c.campaign_id, c.target_id, c.to_number, c.from_number, c.agent_id,
	c.external_id, v.status, v.started_at, v.ended_at, v.duration_ms, v.billed_s, v.end_reason
FROM unnest($2::uuid[]) WITH ORDINALITY AS x (id, n)
JOIN talk v ON v.id = x.id
LEFT JOIN call c ON c.id = v.call_id
ORDER BY x.n
