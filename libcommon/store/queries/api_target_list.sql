-- A campaign's targets, the last appended first, with the columns of api_target_get.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 status text
-- $4 outcome text
-- $5 before int8
-- $6 most int8
-- rows: id uuid, campaign_id uuid, position int8, to_number text, name text, external_id text,
--   timezone text, variables jsonb, status text, outcome text, attempts int2, call_id uuid,
--   next_attempt_at timestamptz, created_at timestamptz, updated_at timestamptz
SELECT t.id, t.campaign_id, t.position, t.to_number, t.name, t.external_id, t.timezone, t.variables,
	t.status, t.outcome, t.attempts, s.id AS call_id, s.next_attempt_at, t.created_at, t.updated_at
FROM (
	SELECT t.id, t.campaign_id, t.position, t.to_number, t.name, t.external_id, t.timezone,
		t.variables, t.status, t.outcome, t.attempts, t.created_at, t.updated_at
	FROM target t
	WHERE t.workspace_id = $1 AND t.campaign_id = $2 AND t.position < $5
		AND ($3 IS NULL OR t.status = $3) AND ($4 IS NULL OR t.outcome = $4)
	ORDER BY t.position DESC LIMIT $6
) t
JOIN campaign k ON k.workspace_id = $1 AND k.id = t.campaign_id
JOIN campaign_plan p ON p.workspace_id = $1 AND p.campaign_id = t.campaign_id
LEFT JOIN LATERAL (
	SELECT c.id, CASE WHEN c.status = 'scheduled' THEN coalesce(c.due_at, p.line_at
		+ (c.slot * 60000 / k.rate_per_minute) * interval '1 millisecond', c.scheduled_at)
		END AS next_attempt_at
	FROM scheduled_call c WHERE c.workspace_id = $1 AND c.target_id = t.id
	UNION ALL
	SELECT done_call_of($1, t.id, t.created_at, t.updated_at), NULL
	LIMIT 1
) s ON true
ORDER BY t.position DESC
