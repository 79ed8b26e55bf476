-- Which of these keys are good no more, and which of these sessions (NULL: none).
-- $1 workspace_ids uuid[]
-- $2 key_ids uuid[]
-- $3 session_ids uuid[]
-- rows: id uuid, session_id uuid
SELECT w.id, w.session_id
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS w (workspace_id, id, session_id)
WHERE NOT EXISTS (SELECT FROM api_key k WHERE k.workspace_id = w.workspace_id AND k.id = w.id
		AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()))
	OR (w.session_id IS NOT NULL AND NOT EXISTS (
		SELECT FROM session s WHERE s.workspace_id = w.workspace_id AND s.id = w.session_id
			AND s.expires_at > now()))
