-- The ids of a campaign's calls, newest first, open and done.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 status text
-- $4 outcome text
-- $5 before uuid
-- $6 most int8
-- rows: id uuid
SELECT id FROM (
	(SELECT c.id FROM scheduled_call c
	WHERE c.workspace_id = $1 AND c.campaign_id = $2 AND c.id < $5
		AND ($3 IS NULL OR c.status = $3) AND ($4 IS NULL OR c.outcome = $4)
	ORDER BY c.id DESC LIMIT $6)
	UNION ALL
	SELECT d.id FROM done_campaign_call_ids($1, $2, $3, $4, $5, $6) d (id)
) x
ORDER BY id DESC LIMIT $6
