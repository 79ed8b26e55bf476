-- What an earlier bootstrap made: the number's workspace, and its oldest agent of that name.
-- $1 e164 text
-- $2 agent_name text
-- rows: workspace_id uuid, number_id uuid, trunk_id uuid, agent_id uuid
SELECT n.workspace_id, n.id AS number_id, n.trunk_id, (
	SELECT a.id FROM agent a
	WHERE a.workspace_id = n.workspace_id AND a.name = $2 AND a.deleted_at IS NULL
	ORDER BY a.created_at, a.id LIMIT 1) AS agent_id
FROM number n WHERE n.e164 = $1 AND n.deleted_at IS NULL
