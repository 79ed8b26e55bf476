-- active -> paused. No occurrence is planned any more.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
WITH moved AS (
	UPDATE campaign SET status = 'paused', status_reason = NULL, updated_at = now()
	WHERE workspace_id = $1 AND id = $2 AND status = 'active'
	RETURNING workspace_id, id
)
UPDATE campaign_plan p SET next_occurrence_at = NULL
FROM moved m
WHERE p.workspace_id = m.workspace_id AND p.campaign_id = m.id AND p.next_occurrence_at IS NOT NULL
