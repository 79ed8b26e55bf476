-- The ids of a campaign's conversations, those of its newest calls first; `at` is the call, where the
-- next page begins.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 status text
-- $4 before uuid
-- $5 most int8
-- rows: id uuid, at uuid
SELECT conversation_id, id FROM (
	(SELECT c.id, c.conversation_id FROM scheduled_call c
	WHERE c.workspace_id = $1 AND c.campaign_id = $2 AND c.id < $4 AND c.conversation_id IS NOT NULL
		AND ($3 IS NULL OR EXISTS (SELECT FROM conversation v
			WHERE v.workspace_id = $1 AND v.id = c.conversation_id AND v.status = $3))
	ORDER BY c.id DESC LIMIT $5)
	UNION ALL
	(SELECT c.id, c.conversation_id FROM scheduled_call_done c
	WHERE c.workspace_id = $1 AND c.campaign_id = $2 AND c.id < $4 AND c.conversation_id IS NOT NULL
		AND c.id >= (SELECT uuid7_floor(k.created_at - interval '1 day') FROM campaign k
			WHERE k.workspace_id = $1 AND k.id = $2)
		AND ($3 IS NULL OR EXISTS (SELECT FROM conversation v
			WHERE v.workspace_id = $1 AND v.id = c.conversation_id AND v.status = $3))
	ORDER BY c.id DESC LIMIT $5)
) x
ORDER BY id DESC LIMIT $5
