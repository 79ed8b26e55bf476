-- paused -> active. The scheduler sets the line anew from now.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- rows: moved int8
WITH moved AS (
	UPDATE campaign c SET status = 'active', status_reason = NULL, updated_at = now()
	WHERE c.workspace_id = $1 AND c.id = $2 AND c.status = 'paused'
	RETURNING c.workspace_id, c.id
), line AS (
	UPDATE campaign_plan p SET line_at = NULL FROM moved m
	WHERE p.workspace_id = m.workspace_id AND p.campaign_id = m.id
	RETURNING 1
)
SELECT count(*) FROM line
