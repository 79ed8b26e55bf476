-- The audit trail, newest first; NULL leaves a filter out.
-- $1 workspace_id uuid
-- $2 before uuid
-- $3 action text
-- $4 key_id uuid
-- $5 subject text
-- $6 most int8
-- rows: id uuid, at timestamptz, key_id uuid, action text, subject text, request_id text
SELECT a.id, a.at, a.key_id, a.action, a.subject, a.request_id FROM audit_page($1, $2, $3, $4, $5, $6) a
ORDER BY a.id DESC
