-- The ids of a workspace's calls, newest first, open and done.
-- $1 workspace_id uuid
-- $2 status text
-- $3 campaign_id uuid
-- $4 to_number text
-- $5 since timestamptz
-- $6 until timestamptz
-- $7 before uuid
-- $8 most int8
-- rows: id uuid
SELECT id FROM (
	(SELECT c.id FROM scheduled_call c
	WHERE c.workspace_id = $1 AND c.id < $7 AND ($2 IS NULL OR c.status = $2)
		AND ($3 IS NULL OR c.campaign_id = $3) AND ($4 IS NULL OR c.to_number = $4)
		AND ($5 IS NULL OR c.scheduled_at >= $5) AND ($6 IS NULL OR c.scheduled_at < $6)
	ORDER BY c.id DESC LIMIT $8)
	UNION ALL
	SELECT d.id FROM done_call_ids($1, $2, $3, $4, $5, $6, $7, $8) d (id)
) x
ORDER BY id DESC LIMIT $8
