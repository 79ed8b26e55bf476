-- Skips those of the given targets that can be: pending ones, and scheduled ones whose call nobody
-- has claimed, with its cancellation and its event. Run it under api_campaign_share, last in the
-- unit. The answer {"skipped":n} is kept under the idempotency key, if there is one; $4 were skipped
-- before by the same request.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 target_ids uuid[]
-- $4 before int8
-- $5 key text
-- $6 request_hash bytea
-- rows: skipped int8, dropped text[], deliveries int8
WITH picked AS (
	SELECT c.id FROM scheduled_call c
	WHERE c.workspace_id = $1 AND c.campaign_id = $2 AND c.target_id = ANY ($3)
		AND c.status = 'scheduled'
	ORDER BY c.id FOR UPDATE OF c
), moved AS (
	UPDATE scheduled_call c SET status = 'cancelled', outcome = 'cancelled', due_at = NULL,
		updated_at = now()
	FROM picked p
	WHERE c.workspace_id = $1 AND c.id = p.id AND c.status = 'scheduled'
	RETURNING c AS call, c.id, c.target_id
), waiting AS (
	SELECT t.id FROM target t
	WHERE t.workspace_id = $1 AND t.campaign_id = $2 AND t.id = ANY ($3) AND t.status = 'pending'
	ORDER BY t.position FOR UPDATE OF t
), skipped AS (
	UPDATE target t SET status = 'skipped', updated_at = now()
	FROM (
		SELECT m.target_id AS id, 'scheduled' AS was FROM moved m
		UNION ALL SELECT w.id, 'pending' FROM waiting w
	) x
	WHERE t.workspace_id = $1 AND t.id = x.id AND t.status = x.was
	RETURNING x.was
), counted AS (
	UPDATE campaign_count k SET pending = k.pending - x.pending,
		scheduled = k.scheduled - x.scheduled, skipped = k.skipped + x.pending + x.scheduled
	FROM (
		SELECT count(*) FILTER (WHERE was = 'pending') AS pending,
			count(*) FILTER (WHERE was = 'scheduled') AS scheduled
		FROM skipped
	) x
	WHERE k.workspace_id = $1 AND k.campaign_id = $2
	RETURNING x.pending + x.scheduled AS n
), kept AS (
	INSERT INTO idempotency (workspace_id, key, request_hash, status, body)
	SELECT $1, $5, $6, 200, convert_to('{"skipped":' || ($4 + n) || '}', 'UTF8')
	FROM counted WHERE $5 IS NOT NULL
	RETURNING 1
)
SELECT n.n, ARRAY(SELECT m.id::text FROM moved m ORDER BY m.id LIMIT 200),
	(SELECT publish(array_agg(ROW('scheduled_call.cancelled', $1, now(), k.kind, m.call, NULL,
		NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'skipped', NULL, NULL)::publishable
		ORDER BY m.id))
	FROM moved m
	JOIN campaign k ON k.workspace_id = $1 AND k.id = $2
	CROSS JOIN (SELECT count(*) FROM counted) done
	CROSS JOIN (SELECT count(*) FROM kept) too)
FROM counted n
