-- active -> paused.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
UPDATE campaign SET status = 'paused', status_reason = NULL, updated_at = now()
WHERE workspace_id = $1 AND id = $2 AND status = 'active'
