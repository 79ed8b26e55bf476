-- The ids of a campaign's calls, newest first, open and done.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 status text
-- $4 outcome text
-- $5 before uuid
-- $6 most int8
-- rows: id uuid
SELECT c.id FROM call_ids($1, $3, $4, $2, NULL, NULL, NULL, $5, $6) c (id)
ORDER BY c.id DESC LIMIT $6
