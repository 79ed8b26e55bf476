-- The audit trail, newest first; NULL leaves a filter out.
-- $1 workspace_id uuid
-- $2 before uuid
-- $3 action text
-- $4 key_id uuid
-- $5 subject text
-- $6 most int8
-- rows: id uuid, at timestamptz, key_id uuid, action text, subject text, request_id text
SELECT id, at, key_id, action, subject, request_id FROM audit
WHERE workspace_id = $1 AND id < $2 AND ($3 IS NULL OR action = $3)
	AND ($4 IS NULL OR key_id = $4) AND ($5 IS NULL OR subject = $5)
ORDER BY id DESC LIMIT $6
