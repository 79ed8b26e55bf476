-- draft -> active, where the workspace has credit, and a bulk campaign where there are targets. The scheduler sets the line, or plans the
-- occurrences from now on, with its next pass.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 tracestate text
-- rows: moved int8, has_credit bool
WITH credit AS MATERIALIZED (
	SELECT coalesce(w.credit_s > 0, true) AS is_there FROM workspace w WHERE w.id = $1
), moved AS (
	UPDATE campaign c SET status = 'active', tracestate = $3, started_at = now(),
		updated_at = now()
	FROM campaign_count k, credit
	WHERE c.workspace_id = $1 AND c.id = $2 AND c.status = 'draft'
		AND k.workspace_id = c.workspace_id AND k.campaign_id = c.id
		AND (k.total > 0 OR c.kind = 'recurring') AND credit.is_there
	RETURNING c.workspace_id, c.id, c.kind
), planned AS (
	UPDATE campaign_plan p SET line_at = NULL, planned_nominal = NULL,
		planned_after = CASE WHEN m.kind = 'recurring' THEN x.at END,
		next_occurrence_at = CASE WHEN m.kind = 'recurring' THEN x.at END
	FROM moved m, (SELECT clock_timestamp() AS at) x
	WHERE p.workspace_id = m.workspace_id AND p.campaign_id = m.id
	RETURNING 1
)
SELECT (SELECT count(*) FROM planned), credit.is_there FROM credit
