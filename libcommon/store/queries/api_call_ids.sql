-- The ids of a workspace's calls, newest first, open and done.
-- $1 workspace_id uuid
-- $2 status text
-- $3 campaign_id uuid
-- $4 to_number text
-- $5 since timestamptz
-- $6 until timestamptz
-- $7 before uuid
-- $8 most int8
-- rows: id uuid
SELECT c.id FROM call_ids($1, $2, NULL, $3, $4, $5, $6, $7, $8) c (id)
ORDER BY c.id DESC LIMIT $8
