-- Sets a campaign's line to begin `lead_ms` from now, or at an instant, at its first call that has
-- not been claimed. For a campaign that was just started or resumed, and (with $4) for one whose line
-- stood still: a stall, a tighter limit, a closed calling window. Whole milliseconds.
-- $1 epoch int8
-- $2 workspace_id uuid
-- $3 campaign_id uuid
-- $4 from_slot int8
-- $5 lead_ms int8
-- $6 begin_at timestamptz
-- rows: line_at timestamptz, first_slot int8
WITH lead AS (
	SELECT 1 FROM leader WHERE name = 'scheduler' AND epoch = $1 FOR SHARE
), first AS (
	SELECT p.workspace_id, p.campaign_id, k.rate_per_minute AS rate, coalesce($4, (
		SELECT c.slot FROM scheduled_call c
		WHERE c.campaign_id = p.campaign_id AND c.slot IS NOT NULL AND c.status = 'scheduled'
			AND c.due_at IS NULL
		ORDER BY c.slot LIMIT 1), p.next_slot) AS slot
	FROM lead, campaign k
	JOIN campaign_plan p ON p.workspace_id = k.workspace_id AND p.campaign_id = k.id
	WHERE k.workspace_id = $2 AND k.id = $3 AND k.status = 'active'
		AND ($4 IS NOT NULL OR p.line_at IS NULL)
)
UPDATE campaign_plan p SET line_at = coalesce($6,
		date_trunc('milliseconds', clock_timestamp()) + $5 * interval '1 millisecond')
	- (f.slot * 60000 / f.rate) * interval '1 millisecond'
FROM first f
WHERE p.workspace_id = f.workspace_id AND p.campaign_id = f.campaign_id
RETURNING p.line_at, f.slot
