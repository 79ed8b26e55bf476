-- Targets of a campaign whose number or name holds a text, with the columns of api_target_get. A
-- frequent text is found among the last few thousand rows; a rare one by the trigram index, to which
-- `position + 0` leaves the choice. The counter of a status says when there can be no more.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 status text
-- $4 outcome text
-- $5 pattern text
-- $6 before int8
-- $7 most int8
-- rows: id uuid, campaign_id uuid, position int8, to_number text, name text, external_id text,
--   timezone text, variables jsonb, status text, outcome text, attempts int2, call_id uuid,
--   next_attempt_at timestamptz, created_at timestamptz, updated_at timestamptz
WITH recent AS MATERIALIZED (
	SELECT t.id, t.position, t.to_number, t.name, t.status, t.outcome FROM target t
	WHERE t.workspace_id = $1 AND t.campaign_id = $2 AND t.position < $6
	ORDER BY t.position DESC LIMIT 1500
), near AS MATERIALIZED (
	SELECT t.id, t.position FROM recent t
	WHERE (t.to_number LIKE $5 OR lower(t.name) LIKE lower($5))
		AND ($3 IS NULL OR t.status = $3) AND ($4 IS NULL OR t.outcome = $4)
	ORDER BY t.position DESC LIMIT $7
), far AS MATERIALIZED (
	SELECT t.id, t.position FROM target t
	WHERE (SELECT count(*) FROM near) < $7 AND t.workspace_id = $1 AND t.campaign_id = $2
		AND t.position + 0 < (SELECT min(position) FROM recent)
		AND ($3 IS NULL OR (SELECT CASE $3 WHEN 'pending' THEN k.pending
			WHEN 'scheduled' THEN k.scheduled WHEN 'dispatched' THEN k.dispatched
			WHEN 'failed' THEN k.failed WHEN 'skipped' THEN k.skipped END
			FROM campaign_count k WHERE k.workspace_id = $1 AND k.campaign_id = $2)
			> (SELECT count(*) FROM near))
		AND (t.to_number LIKE $5 OR lower(t.name) LIKE lower($5))
		AND ($3 IS NULL OR t.status = $3) AND ($4 IS NULL OR t.outcome = $4)
	ORDER BY t.position + 0 DESC LIMIT $7
), page AS (
	SELECT id FROM (SELECT id, position FROM near UNION ALL SELECT id, position FROM far) x
	ORDER BY position DESC LIMIT $7
)
SELECT t.id, t.campaign_id, t.position, t.to_number, t.name, t.external_id, t.timezone, t.variables,
	t.status, t.outcome, t.attempts, s.id AS call_id, s.next_attempt_at, t.created_at, t.updated_at
FROM page
JOIN target t ON t.workspace_id = $1 AND t.id = page.id
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
