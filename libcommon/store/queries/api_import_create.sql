-- A new import into a bulk campaign that takes targets; no row when it does not. Run it under
-- api_campaign_lock_append.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 import_id uuid
-- $4 owner uuid
-- $5 default_region text
-- $6 at timestamptz
-- rows: created_at timestamptz
INSERT INTO import (workspace_id, id, campaign_id, status, owner, default_region, created_at)
SELECT $1, $3, c.id, 'running', $4, $5, $6 FROM campaign c
WHERE c.workspace_id = $1 AND c.id = $2 AND c.kind = 'bulk'
	AND c.status IN ('draft', 'active', 'paused')
RETURNING created_at
