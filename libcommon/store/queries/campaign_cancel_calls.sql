-- A cancelled campaign's calls that nobody has claimed are cancelled, with their targets, counters
-- and events, at most so many in a unit: repeat until `cancelled` is 0. It publishes, so nothing
-- that waits for another row may follow it in the unit.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 most int8
-- rows: cancelled int8, deliveries int8
WITH camp AS (
	SELECT kind FROM campaign WHERE workspace_id = $1 AND id = $2 AND status = 'cancelled'
), picked AS (
	SELECT s.id FROM camp, scheduled_call s
	WHERE s.workspace_id = $1 AND s.campaign_id = $2 AND s.status = 'scheduled'
	ORDER BY s.id LIMIT $3
	FOR UPDATE OF s
), moved AS (
	UPDATE scheduled_call s SET status = 'cancelled', outcome = 'cancelled', due_at = NULL,
		updated_at = now()
	WHERE s.workspace_id = $1 AND s.id = ANY (ARRAY(SELECT id FROM picked)) AND s.status = 'scheduled'
	RETURNING s AS call, s.id, s.target_id
), skipped AS (
	UPDATE target t SET status = 'skipped', updated_at = now()
	WHERE t.workspace_id = $1 AND t.id = ANY (ARRAY(SELECT target_id FROM moved))
	AND t.status = 'scheduled'
	RETURNING 1
), counted AS (
	-- A recurring campaign counts its calls, a bulk one its targets.
	UPDATE campaign_count k SET scheduled = k.scheduled - x.n, skipped = k.skipped + x.n
	FROM (SELECT (SELECT count(*) FROM skipped)
		+ (SELECT count(*) FROM moved, camp WHERE camp.kind = 'recurring') AS n) x
	WHERE k.workspace_id = $1 AND k.campaign_id = $2 AND x.n > 0
	RETURNING 1
)
SELECT count(*), publish(array_agg(ROW('scheduled_call.cancelled', $1, now(), camp.kind, m.call, NULL,
	NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'campaign_cancelled', NULL, NULL)::publishable
	ORDER BY m.id))
FROM moved m
CROSS JOIN camp
CROSS JOIN (SELECT count(*) FROM counted) done
