-- Takes over one running import that its gateway has not touched for so long: its own one is gone. An
-- upload cannot be carried on, it fails; a file that is in whole is carried on by the caller.
-- $1 owner uuid
-- $2 silent_s int8
-- rows: workspace_id uuid, id uuid, campaign_id uuid, is_uploaded bool
WITH found AS (
	SELECT i.workspace_id, i.id FROM import i
	WHERE i.status = 'running' AND i.updated_at < now() - $2 * interval '1 second'
	ORDER BY i.id LIMIT 1 FOR UPDATE SKIP LOCKED
), taken AS (
	UPDATE import i SET owner = $1, updated_at = now(),
		status = CASE WHEN i.uploaded_at IS NULL THEN 'failed' ELSE 'running' END,
		reason = CASE WHEN i.uploaded_at IS NULL THEN 'interrupted' END,
		completed_at = CASE WHEN i.uploaded_at IS NULL THEN now() END
	FROM found f
	WHERE i.workspace_id = f.workspace_id AND i.id = f.id
	RETURNING i.workspace_id, i.id, i.campaign_id, i.uploaded_at IS NOT NULL AS is_uploaded
), dropped AS (
	DELETE FROM import_block b USING taken t
	WHERE NOT t.is_uploaded AND b.workspace_id = t.workspace_id AND b.import_id = t.id
)
SELECT workspace_id, id, campaign_id, is_uploaded FROM taken
