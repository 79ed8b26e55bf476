-- Cancels a call that nobody has claimed, also while a retry waits: with the target it was made for,
-- the counters and the event. Run it under api_call_share; it publishes, so nothing that waits for
-- another row may follow it. A row comes back when the call is cancelled, now or before, and the
-- idempotency key, if there is one, is kept only then.
-- $1 workspace_id uuid
-- $2 call_id uuid
-- $3 key text
-- $4 request_hash bytea
-- rows: campaign_id uuid, is_new bool, deliveries int8
WITH picked AS (
	SELECT c.id FROM scheduled_call c
	WHERE c.workspace_id = $1 AND c.id = $2 AND c.status = 'scheduled'
	FOR UPDATE OF c
), moved AS (
	UPDATE scheduled_call c SET status = 'cancelled', outcome = 'cancelled', due_at = NULL,
		updated_at = now()
	FROM picked p
	WHERE c.workspace_id = $1 AND c.id = p.id AND c.status = 'scheduled'
	RETURNING c AS call, c.campaign_id, c.target_id
), owner AS (
	SELECT k.id, k.kind FROM moved m
	JOIN campaign k ON k.workspace_id = $1 AND k.id = m.campaign_id
), skipped AS (
	UPDATE target t SET status = 'skipped', updated_at = now()
	FROM moved m
	WHERE t.workspace_id = $1 AND t.id = m.target_id AND t.status = 'scheduled'
	RETURNING 1
), counted AS (
	-- A recurring campaign counts its calls, a bulk one its targets.
	UPDATE campaign_count k SET scheduled = k.scheduled - x.n, skipped = k.skipped + x.n
	FROM (SELECT o.id, CASE o.kind WHEN 'recurring' THEN 1 ELSE (SELECT count(*) FROM skipped) END
		AS n FROM owner o) x
	WHERE k.workspace_id = $1 AND k.campaign_id = x.id
	RETURNING 1
), cancelled AS (
	SELECT m.campaign_id, true AS is_new FROM moved m
	UNION ALL
	SELECT c.campaign_id, false FROM scheduled_call c
	WHERE c.workspace_id = $1 AND c.id = $2 AND c.status = 'cancelled'
	UNION ALL
	SELECT c.campaign_id, false FROM scheduled_call_done c
	WHERE c.workspace_id = $1 AND c.id = $2 AND c.status = 'cancelled'
), kept AS (
	INSERT INTO idempotency (workspace_id, key, request_hash, status, body)
	SELECT $1, $3, $4, 200, '' FROM cancelled WHERE $3 IS NOT NULL LIMIT 1
	RETURNING 1
), done AS MATERIALIZED (
	SELECT (SELECT count(*) FROM counted) + (SELECT count(*) FROM kept) AS n
)
SELECT x.campaign_id, x.is_new,
	(SELECT publish(array_agg(ROW('scheduled_call.cancelled', $1, now(), o.kind, m.call, NULL, NULL,
		NULL, NULL, NULL, NULL, NULL, NULL, 'requested', NULL, NULL)::publishable))
	FROM done
	CROSS JOIN moved m
	LEFT JOIN owner o ON true)
FROM cancelled x
LIMIT 1
