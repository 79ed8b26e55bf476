-- draft -> active, where there are targets. The scheduler sets the line with its next pass.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- rows: moved int8
WITH moved AS (
	UPDATE campaign c SET status = 'active', started_at = now(), updated_at = now()
	FROM campaign_count k
	WHERE c.workspace_id = $1 AND c.id = $2 AND c.status = 'draft'
		AND k.workspace_id = c.workspace_id AND k.campaign_id = c.id AND k.total > 0
	RETURNING c.workspace_id, c.id
), line AS (
	UPDATE campaign_plan p SET line_at = NULL FROM moved m
	WHERE p.workspace_id = m.workspace_id AND p.campaign_id = m.id
	RETURNING 1
)
SELECT count(*) FROM line
