-- draft, active, paused -> cancelled. Its calls and targets follow in statements of their own.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
UPDATE campaign SET status = 'cancelled', status_reason = NULL, completed_at = NULL,
	updated_at = now()
WHERE workspace_id = $1 AND id = $2 AND status IN ('draft', 'active', 'paused')
