-- Suppressed numbers, newest first; one alone by $2 or $3.
-- $1 workspace_id uuid
-- $2 suppression_id uuid
-- $3 to_number text
-- $4 before uuid
-- $5 most int8
-- rows: id uuid, to_number text, reason text, created_at timestamptz
SELECT id, to_number, reason, created_at FROM suppression
WHERE workspace_id = $1 AND id < $4 AND ($2 IS NULL OR id = $2) AND ($3 IS NULL OR to_number = $3)
ORDER BY id DESC LIMIT $5
