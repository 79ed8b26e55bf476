-- The ids of conversations in progress, newest first: those of the open attempts, which are few.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 before uuid
-- $4 most int8
-- rows: id uuid, at uuid
SELECT a.conversation_id, a.conversation_id FROM attempt a
WHERE a.workspace_id = $1 AND a.conversation_id < $3 AND ($2 IS NULL OR a.campaign_id = $2)
ORDER BY a.conversation_id DESC LIMIT $4
