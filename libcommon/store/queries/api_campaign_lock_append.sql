-- Locks a campaign against other appends, moves and completion, but not against claims.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- rows: kind text, status text
SELECT kind, status FROM campaign WHERE workspace_id = $1 AND id = $2 FOR NO KEY UPDATE
