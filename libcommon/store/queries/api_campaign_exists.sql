-- Whether a workspace has a campaign, for the lists below it.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- rows: is_there bool
SELECT EXISTS (SELECT FROM campaign WHERE workspace_id = $1 AND id = $2)
