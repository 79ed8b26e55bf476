-- Locks a campaign against appends, claims and other moves until the unit ends: the statement after
-- it sees everything that was committed before, and nothing is claimed meanwhile.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- rows: kind text, status text
SELECT kind, status FROM campaign WHERE workspace_id = $1 AND id = $2 FOR UPDATE
