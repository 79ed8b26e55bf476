-- What a campaign's counters count, its targets or, of a recurring one, its calls, by the outcome of
-- the last attempt, and the dials made.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- rows: outcome text, n int8, dials int8
SELECT x.outcome, count(*), sum(x.dials)::bigint
FROM (
	SELECT t.outcome, t.attempts AS dials FROM target t
	WHERE t.workspace_id = $1 AND t.campaign_id = $2
	UNION ALL
	SELECT c.outcome, c.dials FROM campaign k
	JOIN scheduled_call c ON c.workspace_id = k.workspace_id AND c.campaign_id = k.id
	WHERE k.workspace_id = $1 AND k.id = $2 AND k.kind = 'recurring'
	UNION ALL
	SELECT c.outcome, c.dials FROM campaign k
	JOIN scheduled_call_done c ON c.workspace_id = k.workspace_id AND c.campaign_id = k.id
	WHERE k.workspace_id = $1 AND k.id = $2 AND k.kind = 'recurring'
) x
GROUP BY x.outcome ORDER BY x.outcome NULLS FIRST
