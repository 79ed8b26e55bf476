-- A campaign's targets in their order, from a position on, as the export shows them.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 after int8
-- $4 most int8
-- $5 status text
-- $6 outcome text
-- rows: position int8, id uuid, to_number text, name text, external_id text, timezone text,
--   status text, outcome text, attempts int2, call_id uuid, next_attempt_at timestamptz,
--   created_at timestamptz, updated_at timestamptz, variables jsonb
SELECT t.position, t.id, t.to_number, t.name, t.external_id, t.timezone, t.status, t.outcome,
	t.attempts, s.id AS call_id, s.next_attempt_at, t.created_at, t.updated_at, t.variables
FROM (
	SELECT t.id, t.campaign_id, t.position, t.to_number, t.name, t.external_id, t.timezone,
		t.variables, t.status, t.outcome, t.attempts, t.created_at, t.updated_at
	FROM target t
	WHERE t.workspace_id = $1 AND t.campaign_id = $2 AND t.position > $3
		AND ($5 IS NULL OR t.status = $5) AND ($6 IS NULL OR t.outcome = $6)
	ORDER BY t.position LIMIT $4
) t
JOIN campaign k ON k.workspace_id = $1 AND k.id = t.campaign_id
JOIN campaign_plan p ON p.workspace_id = $1 AND p.campaign_id = t.campaign_id
LEFT JOIN LATERAL (
	SELECT c.id, CASE WHEN c.status = 'scheduled' THEN coalesce(c.due_at, p.line_at
		+ (c.slot * 60000 / k.rate_per_minute) * interval '1 millisecond', c.scheduled_at)
		END AS next_attempt_at
	FROM scheduled_call c WHERE c.workspace_id = $1 AND c.target_id = t.id
	UNION ALL
	SELECT d.id, NULL FROM scheduled_call_done d WHERE d.workspace_id = $1 AND d.target_id = t.id
		-- Made between these, whatever clocks say: which leaves few of the partitions.
		AND d.id >= uuid7_floor(t.created_at - interval '1 day')
		AND d.id < uuid7_floor(t.updated_at + interval '1 day')
	LIMIT 1
) s ON true
ORDER BY t.position
