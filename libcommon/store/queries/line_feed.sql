-- Calls that stand in line in the given slots of some campaigns, to be appended to the due streams.
-- $1 campaign_ids uuid[]
-- $2 from_slots int8[]
-- $3 to_slots int8[]
-- $4 most int8
-- rows: ord int8, call_id uuid, slot int8
SELECT a.ord, c.id, c.slot
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
	AS a (campaign_id, from_slot, to_slot, ord)
CROSS JOIN LATERAL (
	SELECT c.id, c.slot FROM scheduled_call c
	WHERE c.campaign_id = a.campaign_id AND c.slot >= a.from_slot AND c.slot < a.to_slot
		AND c.slot IS NOT NULL AND c.status = 'scheduled' AND c.due_at IS NULL
	ORDER BY c.slot LIMIT $4
) c
ORDER BY a.ord, c.slot
