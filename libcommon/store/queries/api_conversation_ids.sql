-- The ids of a workspace's conversations, newest first; `at` is where the next page begins.
-- $1 workspace_id uuid
-- $2 status text
-- $3 before uuid
-- $4 most int8
-- rows: id uuid, at uuid
SELECT v.id, v.id FROM conversation_ids($1, $2, $3, $4) v (id) ORDER BY v.id DESC LIMIT $4
