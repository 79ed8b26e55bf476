-- Which of these keys are good no more.
-- $1 workspace_ids uuid[]
-- $2 key_ids uuid[]
-- rows: id uuid
SELECT w.id FROM unnest($1::uuid[], $2::uuid[]) AS w (workspace_id, id)
WHERE NOT EXISTS (SELECT FROM api_key k WHERE k.workspace_id = w.workspace_id AND k.id = w.id
	AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()))
