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
	-- OFFSET 0: looked up call by call, in the order of ids; a join may read all the calls of a
	-- campaign for each.
	SELECT s.*
	FROM (SELECT * FROM said ORDER BY call_id) s
	CROSS JOIN LATERAL (SELECT c.id FROM scheduled_call c
		WHERE c.workspace_id = s.workspace_id AND c.id = s.call_id
			AND c.status = 'scheduled' AND s.in_line = (c.due_at IS NULL)
			AND (c.due_at > s.due_at) IS NOT TRUE
			AND s.windows_of = (SELECT k.updated_at FROM campaign k
				WHERE k.workspace_id = c.workspace_id AND k.id = c.campaign_id)
		OFFSET 0 FOR UPDATE OF c) c
)
UPDATE scheduled_call c SET due_at = p.opens_at,
	scheduled_at = CASE WHEN c.dials = 0 THEN p.opens_at ELSE c.scheduled_at END,
	updated_at = now()
FROM picked p
WHERE c.workspace_id = p.workspace_id AND c.id = p.call_id
RETURNING p.ord
