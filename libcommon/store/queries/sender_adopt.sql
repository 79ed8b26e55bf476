-- Takes endpoints that no living sender has, or that are the asker's already. The one that had each is named by the asker, so that of
-- two who ask at once the second finds another name than it expects. What the one before may have sent
-- has sequences up to last_sequence.
-- $1 sender_id uuid
-- $2 workspace_ids uuid[]
-- $3 endpoint_ids uuid[]
-- $4 had_ids uuid[]
-- rows: workspace_id uuid, endpoint_id uuid, last_sequence int8
UPDATE webhook_endpoint e SET sender_id = $1
FROM unnest($2, $3, $4) AS w(workspace_id, endpoint_id, had_id)
WHERE e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
AND e.sender_id IS NOT DISTINCT FROM w.had_id
AND (e.sender_id = $1 OR NOT EXISTS (SELECT FROM webhook_sender s WHERE s.id = e.sender_id))
AND EXISTS (SELECT FROM webhook_sender s WHERE s.id = $1)
RETURNING e.workspace_id, e.id AS endpoint_id, (SELECT q.last_sequence FROM workspace_sequence q
	WHERE q.workspace_id = e.workspace_id)
