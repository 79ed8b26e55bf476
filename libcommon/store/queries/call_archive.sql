-- Moves the calls of a workspace that ended before a given instant out of the open table, looking
-- at a bounded number of them after the one looked at last (NULL: from the first). A call whose
-- conversation still runs stays: the end of its attempt refers to it. Called again with last_id
-- while `seen` is full. The partitions that they may stand in are told the latest end.
-- $1 epoch int8
-- $2 workspace_id uuid
-- $3 after_id uuid
-- $4 ended_before timestamptz
-- $5 most int8
-- rows: moved int8, seen int8, last_id uuid
WITH lead AS (
	SELECT 1 FROM leader WHERE name = 'scheduler' AND epoch = $1 FOR SHARE
), looked AS (
	SELECT c.id FROM scheduled_call c
	WHERE EXISTS (SELECT FROM lead) AND c.workspace_id = $2 AND c.id > coalesce($3, '00000000-0000-0000-0000-000000000000')
		AND c.id < uuid7_floor($4)
	ORDER BY c.id LIMIT $5
), gone AS (
	DELETE FROM scheduled_call c
	WHERE c.workspace_id = $2 AND c.id = ANY (ARRAY(SELECT id FROM looked))
		AND c.status IN ('dispatched', 'failed', 'cancelled') AND c.updated_at < $4
		AND (SELECT true FROM attempt a WHERE a.workspace_id = $2 AND a.id = c.attempt_id) IS NULL
	RETURNING c.*
), kept AS (
	INSERT INTO scheduled_call_done SELECT * FROM gone RETURNING 1
), noted AS (
	UPDATE history_span s SET ended_at = greatest(s.ended_at, g.ended_at)
	FROM (SELECT max(updated_at) AS ended_at, min(id::text)::uuid AS low, max(id::text)::uuid AS high
		FROM gone) g
	WHERE s.parent = 'scheduled_call_done' AND uuid7_floor(s.upto_at) > g.low
		AND coalesce(uuid7_floor(s.from_at) <= g.high, true)
)
SELECT (SELECT count(*) FROM kept), count(*), (SELECT id FROM looked ORDER BY id DESC LIMIT 1)
FROM looked
