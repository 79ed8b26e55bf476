-- Suppressed numbers, newest first; one alone by $2 or $3.
-- $1 workspace_id uuid
-- $2 suppression_id uuid
-- $3 to_number text
-- $4 before uuid
-- $5 most int8
-- rows: id uuid, to_number text, reason text, created_at timestamptz
SELECT x.id, x.to_number, x.reason, x.created_at FROM suppression_page($1, $2, $3, $4, $5) x
ORDER BY x.id DESC
