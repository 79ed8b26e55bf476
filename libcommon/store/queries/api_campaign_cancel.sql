-- draft, active, paused -> cancelled. Its calls and targets follow in statements of their own.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
WITH moved AS (
	UPDATE campaign SET status = 'cancelled', status_reason = NULL, completed_at = NULL,
		updated_at = now()
	WHERE workspace_id = $1 AND id = $2 AND status IN ('draft', 'active', 'paused')
	RETURNING workspace_id, id
)
UPDATE campaign_plan p SET next_occurrence_at = NULL
FROM moved m
WHERE p.workspace_id = m.workspace_id AND p.campaign_id = m.id AND p.next_occurrence_at IS NOT NULL
