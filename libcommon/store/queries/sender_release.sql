-- Gives endpoints up: nothing of theirs is in the sender's hands any more.
-- $1 sender_id uuid
-- $2 workspace_ids uuid[]
-- $3 endpoint_ids uuid[]
UPDATE webhook_endpoint e SET sender_id = NULL
FROM unnest($2, $3) AS w(workspace_id, endpoint_id)
WHERE e.workspace_id = w.workspace_id AND e.id = w.endpoint_id AND e.sender_id = $1
