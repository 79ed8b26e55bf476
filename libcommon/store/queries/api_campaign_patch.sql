-- Changes a recurring campaign that is not finished and, where $3 asks for it, has one of the
-- versions $4; NULL leaves a value as it is, $5 names the nullable ones that are set. Run it under
-- api_campaign_lock; it publishes, so nothing that waits for another row may follow it in the unit.
-- Another cron or timezone begins a new version of the schedule: calls that nobody has claimed and
-- whose instant is ahead are cancelled, and planning begins after now. So does an end that cuts off
-- calls; those before it are taken along, so that planning knows them by their keys, also when the
-- end moves back again.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 is_conditional bool
-- $4 versions timestamptz[]
-- $5 sets text[]
-- $6 name text
-- $7 description text
-- $8 variables jsonb
-- $9 cron text
-- $10 timezone text
-- $11 end_at timestamptz
-- $12 max_concurrent int4
-- $13 max_attempts int2
-- $14 retry_policy jsonb
-- $15 ring_timeout_s int4
-- $16 max_duration_s int4
-- $17 calling_windows jsonb
-- rows: edited int8, dropped text[], deliveries int8
WITH moment AS MATERIALIZED (
	SELECT clock_timestamp() AS now
), was AS (
	SELECT k.status, k.schedule_version,
		coalesce($9, k.cron) <> k.cron OR coalesce($10, k.timezone) <> k.timezone AS is_other,
		'end_at' = ANY ($5) AND $11 IS DISTINCT FROM k.end_at AS is_end_moved
	FROM campaign k
	WHERE k.workspace_id = $1 AND k.id = $2 AND k.kind = 'recurring'
		AND k.status IN ('draft', 'active', 'paused')
		AND (NOT $3 OR k.updated_at = ANY ($4))
), picked AS (
	SELECT c.id FROM was, moment, scheduled_call c
	WHERE c.workspace_id = $1 AND c.campaign_id = $2 AND c.occurrence_key IS NOT NULL
		AND c.status = 'scheduled' AND c.dials = 0 AND c.scheduled_at > moment.now
		AND (was.is_other OR (was.is_end_moved AND c.scheduled_at >= $11))
	ORDER BY c.id FOR UPDATE OF c
), change AS (
	SELECT was.*, is_other OR EXISTS (SELECT FROM picked) AS is_new FROM was
), dropped AS (
	UPDATE scheduled_call c SET status = 'cancelled', outcome = 'cancelled', due_at = NULL,
		updated_at = now()
	FROM picked p
	WHERE c.workspace_id = $1 AND c.id = p.id AND c.status = 'scheduled'
	RETURNING c AS call, c.id
), stayed AS (
	-- What is ahead and stays: with the new version, and the new variables unless it was dialed.
	-- And what would have had an occurrence after it that the new end cuts off.
	UPDATE scheduled_call c SET
		schedule_version = c.schedule_version
			+ (x.is_new AND NOT x.is_other AND s.is_ahead)::int,
		variables = CASE WHEN 'variables' = ANY ($5) AND s.is_ahead AND c.status = 'scheduled'
			AND c.dials = 0 THEN $8 ELSE c.variables END,
		retry_before = CASE WHEN x.is_end_moved AND c.retry_before >= $11 THEN NULL
			ELSE c.retry_before END,
		updated_at = now()
	FROM change x, (
		SELECT c.id, c.schedule_version = was.schedule_version
			AND c.scheduled_at > moment.now AS is_ahead
		FROM was, moment, scheduled_call c
		WHERE c.workspace_id = $1 AND c.campaign_id = $2 AND c.occurrence_key IS NOT NULL
			AND (c.scheduled_at > moment.now OR c.retry_before >= $11)
		ORDER BY c.id FOR UPDATE OF c) s
	WHERE c.workspace_id = $1 AND c.id = s.id AND c.id NOT IN (SELECT id FROM picked)
		AND ((s.is_ahead AND ((x.is_new AND NOT x.is_other) OR 'variables' = ANY ($5)))
			OR (x.is_end_moved AND c.retry_before >= $11))
	RETURNING 1
), edited AS (
	UPDATE campaign k SET name = coalesce($6, k.name),
		description = CASE WHEN 'description' = ANY ($5) THEN $7 ELSE k.description END,
		variables = CASE WHEN 'variables' = ANY ($5) THEN $8 ELSE k.variables END,
		cron = coalesce($9, k.cron), timezone = coalesce($10, k.timezone),
		end_at = CASE WHEN 'end_at' = ANY ($5) THEN $11 ELSE k.end_at END,
		max_concurrent = CASE WHEN 'max_concurrent' = ANY ($5) THEN $12
			ELSE k.max_concurrent END,
		max_attempts = coalesce($13, k.max_attempts),
		retry_policy = CASE WHEN 'retry_policy' = ANY ($5) THEN $14 ELSE k.retry_policy END,
		ring_timeout_s = coalesce($15, k.ring_timeout_s),
		max_duration_s = coalesce($16, k.max_duration_s),
		calling_windows = CASE WHEN 'calling_windows' = ANY ($5) THEN $17
			ELSE k.calling_windows END,
		schedule_version = k.schedule_version + x.is_new::int,
		-- A version of its own: If-Match and the dispatchers' windows go by it.
		updated_at = greatest(moment.now, k.updated_at + interval '1 microsecond')
	FROM change x, moment
	WHERE k.workspace_id = $1 AND k.id = $2
	RETURNING k.kind
), planned AS (
	UPDATE campaign_plan p SET
		-- A call may be claimed some milliseconds before its instant: that one is not planned again.
		planned_after = CASE WHEN x.is_new THEN greatest(moment.now, (
			SELECT max(c.scheduled_at) FROM scheduled_call c
			WHERE c.workspace_id = $1 AND c.campaign_id = $2 AND c.occurrence_key IS NOT NULL
				AND c.status <> 'cancelled' AND c.id NOT IN (SELECT id FROM picked)))
			ELSE p.planned_after END,
		planned_nominal = CASE WHEN x.is_new THEN NULL ELSE p.planned_nominal END,
		next_occurrence_at = CASE WHEN x.status = 'active' THEN moment.now END
	FROM change x, moment
	WHERE p.workspace_id = $1 AND p.campaign_id = $2 AND (x.is_new OR x.is_end_moved)
	RETURNING 1
), counted AS (
	UPDATE campaign_count k SET scheduled = k.scheduled - x.n, skipped = k.skipped + x.n
	FROM (SELECT count(*) AS n FROM dropped) x
	WHERE k.workspace_id = $1 AND k.campaign_id = $2 AND x.n > 0
	RETURNING 1
), done AS MATERIALIZED (
	SELECT (SELECT count(*) FROM stayed) + (SELECT count(*) FROM planned)
		+ (SELECT count(*) FROM counted) AS n
)
SELECT (SELECT count(*) FROM edited),
	ARRAY(SELECT d.id::text FROM dropped d ORDER BY d.id LIMIT 200),
	(SELECT publish(array_agg(ROW('scheduled_call.cancelled', $1, now(), e.kind, d.call, NULL,
		NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'rescheduled', NULL, NULL)::publishable
		ORDER BY d.id))
	FROM dropped d CROSS JOIN edited e CROSS JOIN done)
FROM done
