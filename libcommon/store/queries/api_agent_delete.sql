-- Deletes an agent unless a campaign that is not finished, or an ad hoc call that is open,
-- uses it.
-- $1 workspace_id uuid
-- $2 agent_id uuid
-- rows: found int8, deleted int8
WITH found AS (
	SELECT a.id FROM agent a
	WHERE a.workspace_id = $1 AND a.id = $2 AND a.deleted_at IS NULL FOR UPDATE
), gone AS (
	UPDATE agent a SET deleted_at = now(), updated_at = now() FROM found
	WHERE a.workspace_id = $1 AND a.id = found.id AND NOT EXISTS (
		SELECT FROM campaign c WHERE c.workspace_id = $1 AND c.agent_id = $2
			AND c.status IN ('draft', 'active', 'paused'))
	AND NOT EXISTS (
		SELECT FROM scheduled_call c WHERE c.workspace_id = $1 AND c.campaign_id IS NULL
			AND c.agent_id = $2 AND c.status IN ('scheduled', 'dialing'))
	RETURNING 1
)
SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM gone)
