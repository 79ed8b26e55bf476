-- Whether a campaign exists, and keeps it from being paused, cancelled or deleted until the unit has
-- ended. Its own statement, so that the next one sees what those committed before.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- rows: kind text, status text
SELECT kind, status FROM campaign WHERE workspace_id = $1 AND id = $2 FOR KEY SHARE
