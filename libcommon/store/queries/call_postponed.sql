-- Calls that a closed calling window kept from being claimed, due again at its next opening. One that
-- stood in line leaves the line. Only as long as the call still waits under the entry that was
-- claimed with, and the campaign is the version that was judged. One row per call moved.
-- $1 workspace_ids uuid[]
-- $2 call_ids uuid[]
-- $3 due_at timestamptz[]
-- $4 in_line bool[]
-- $5 windows_of timestamptz[]
-- $6 opens_at timestamptz[]
-- rows: ord int8
WITH said AS (
	SELECT s.* FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bool[],
		$5::timestamptz[], $6::timestamptz[]) WITH ORDINALITY
		AS s (workspace_id, call_id, due_at, in_line, windows_of, opens_at, ord)
), picked AS (
	SELECT s.*
	FROM said s
	JOIN scheduled_call c ON c.workspace_id = s.workspace_id AND c.id = s.call_id
	JOIN campaign k ON k.workspace_id = c.workspace_id AND k.id = c.campaign_id
	WHERE c.status = 'scheduled' AND s.in_line = (c.due_at IS NULL)
		AND (c.due_at > s.due_at) IS NOT TRUE AND k.updated_at = s.windows_of
	ORDER BY c.id
	FOR UPDATE OF c
)
UPDATE scheduled_call c SET due_at = p.opens_at,
	scheduled_at = CASE WHEN c.dials = 0 THEN p.opens_at ELSE c.scheduled_at END,
	updated_at = now()
FROM picked p
WHERE c.workspace_id = p.workspace_id AND c.id = p.call_id
RETURNING p.ord
