-- The first slot of a campaign's line that has not been claimed: where a new leader feeds on.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- rows: slot int8
SELECT coalesce((SELECT c.slot FROM scheduled_call c
	WHERE c.campaign_id = p.campaign_id AND c.slot IS NOT NULL AND c.status = 'scheduled'
		AND c.due_at IS NULL
	ORDER BY c.slot LIMIT 1), p.next_slot)
FROM campaign_plan p WHERE p.workspace_id = $1 AND p.campaign_id = $2
