-- Deletes ranges of which every delivery is recorded. Guarded as sender_owed_finish is, and in the same
-- unit after it, if anything of them is recorded there.
-- $1 sender_id uuid
-- $2 workspace_ids uuid[]
-- $3 endpoint_ids uuid[]
-- $4 to_sequences int8[]
WITH held AS MATERIALIZED (
	SELECT s.id FROM webhook_sender s WHERE s.id = $1 FOR KEY SHARE
)
DELETE FROM delivery_range r
USING held h, unnest($2, $3, $4) AS w(workspace_id, endpoint_id, to_sequence), webhook_endpoint e
WHERE e.workspace_id = w.workspace_id AND e.id = w.endpoint_id AND e.sender_id = h.id
AND r.workspace_id = w.workspace_id AND r.endpoint_id = w.endpoint_id
AND r.to_sequence = w.to_sequence
