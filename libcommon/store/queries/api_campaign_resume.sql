-- paused -> active. The scheduler sets the line anew from now, or plans the occurrences from now on:
-- of those ahead the ones that are calls already are recognised by their keys.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- rows: moved int8
WITH moved AS (
	UPDATE campaign c SET status = 'active', status_reason = NULL, updated_at = now()
	WHERE c.workspace_id = $1 AND c.id = $2 AND c.status = 'paused'
	RETURNING c.workspace_id, c.id, c.kind
), planned AS (
	UPDATE campaign_plan p SET line_at = NULL, planned_nominal = NULL,
		planned_after = CASE WHEN m.kind = 'recurring' THEN x.at END,
		next_occurrence_at = CASE WHEN m.kind = 'recurring' THEN x.at END
	FROM moved m, (SELECT clock_timestamp() AS at) x
	WHERE p.workspace_id = m.workspace_id AND p.campaign_id = m.id
	RETURNING 1
)
SELECT count(*) FROM planned
