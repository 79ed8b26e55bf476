-- The ids of a workspace's conversations, newest first; `at` is where the next page begins.
-- $1 workspace_id uuid
-- $2 status text
-- $3 before uuid
-- $4 most int8
-- rows: id uuid, at uuid
SELECT v.id, v.id FROM conversation v
WHERE v.workspace_id = $1 AND v.id < $3 AND ($2 IS NULL OR v.status = $2)
ORDER BY v.id DESC LIMIT $4
