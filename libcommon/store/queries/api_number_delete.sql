-- Deletes a number unless a campaign that is not finished, or an ad hoc call that is open,
-- calls from it.
-- $1 workspace_id uuid
-- $2 number_id uuid
-- rows: found int8, deleted int8
WITH found AS (
	SELECT n.id FROM number n
	WHERE n.workspace_id = $1 AND n.id = $2 AND n.deleted_at IS NULL FOR UPDATE
), gone AS (
	UPDATE number n SET deleted_at = now(), updated_at = now() FROM found
	WHERE n.workspace_id = $1 AND n.id = found.id AND NOT EXISTS (
		SELECT FROM campaign c WHERE c.workspace_id = $1 AND c.number_id = $2
			AND c.status IN ('draft', 'active', 'paused'))
	AND NOT EXISTS (
		SELECT FROM scheduled_call c WHERE c.workspace_id = $1 AND c.campaign_id IS NULL
			AND c.number_id = $2 AND c.status IN ('scheduled', 'dialing'))
	RETURNING 1
)
SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM gone)
