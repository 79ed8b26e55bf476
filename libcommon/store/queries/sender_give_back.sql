-- Gives back deliveries that were claimed and not sent: the attempt they were claimed for did not
-- begin.
-- $1 sender_id uuid
-- $2 workspace_ids uuid[]
-- $3 endpoint_ids uuid[]
-- $4 delivery_ids uuid[]
-- $5 attempts int2[]
UPDATE delivery d SET sender_id = NULL, lease_until = NULL, attempts = d.attempts - 1
FROM unnest($2, $3, $4, $5) AS w(workspace_id, endpoint_id, delivery_id, attempt)
WHERE d.workspace_id = w.workspace_id AND d.endpoint_id = w.endpoint_id AND d.id = w.delivery_id
AND d.sender_id = $1 AND d.attempts = w.attempt
