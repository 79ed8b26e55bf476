-- What a new campaign refers to: its agent and number, where the workspace has them, and the
-- workspace's timezone.
-- $1 workspace_id uuid
-- $2 agent_id uuid
-- $3 from_number text
-- rows: timezone text, agent_id uuid, number_id uuid
SELECT w.timezone,
	(SELECT a.id FROM agent a WHERE a.workspace_id = $1 AND a.id = $2 AND a.deleted_at IS NULL),
	(SELECT n.id FROM number n WHERE n.workspace_id = $1 AND n.e164 = $3 AND n.deleted_at IS NULL)
FROM workspace w WHERE w.id = $1
