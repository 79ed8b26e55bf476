-- Deletes a draft with its targets. Run it under api_campaign_lock.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
DELETE FROM campaign WHERE workspace_id = $1 AND id = $2 AND status = 'draft'
