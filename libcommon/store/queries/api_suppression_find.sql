-- The suppression of a number, by the index that the claim uses too.
-- $1 workspace_id uuid
-- $2 to_number text
-- rows: id uuid, to_number text, reason text, created_at timestamptz
SELECT id, to_number, reason, created_at FROM suppression WHERE workspace_id = $1 AND to_number = $2
