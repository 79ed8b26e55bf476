-- The id of a call's conversation, if it has one and the other filters let it through.
-- $1 workspace_id uuid
-- $2 call_id uuid
-- $3 campaign_id uuid
-- $4 status text
-- $5 before uuid
-- rows: id uuid, at uuid
SELECT v.id, v.id FROM (
	SELECT o.campaign_id, o.conversation_id FROM scheduled_call o
	WHERE o.workspace_id = $1 AND o.id = $2
	UNION ALL
	SELECT d.campaign_id, d.conversation_id FROM scheduled_call_done d
	WHERE d.workspace_id = $1 AND d.id = $2
) c
JOIN conversation v ON v.workspace_id = $1 AND v.id = c.conversation_id
WHERE v.id < $5 AND ($3 IS NULL OR c.campaign_id = $3) AND ($4 IS NULL OR v.status = $4)
LIMIT 1
