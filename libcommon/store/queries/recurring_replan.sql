-- After a change of the time zone database: calls of a page of recurring campaigns get the instants
-- that their keys have now; what has none any more is cancelled, and gives its key back. The plans
-- look again from now on, for what is missing. Under the epoch of the leader that runs it; nothing
-- is written of a campaign that another hand has touched since the page was read. Share the campaigns
-- first, in a statement of their own (campaign_share).
-- $1 epoch int8
-- $2 workspace_ids uuid[]
-- $3 campaign_ids uuid[]
-- $4 versions int4[]
-- $5 was_tzdata text[]
-- $6 tzdata text
-- $7 call_workspace_ids uuid[]
-- $8 call_campaign_ids uuid[]
-- $9 call_ids uuid[]
-- $10 was_due timestamptz[]
-- $11 due timestamptz[]
-- $12 retry_before timestamptz[]
-- rows: planned int8, moved int8, cancelled int8, deliveries int8
WITH lead AS (
	SELECT 1 FROM leader WHERE name = 'scheduler' AND epoch = $1 FOR SHARE
), plan AS (
	SELECT p.workspace_id, p.campaign_id, k.status = 'active' AS is_active
	FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::text[])
		AS a (workspace_id, campaign_id, version, was_tzdata)
	JOIN campaign_plan p ON p.workspace_id = a.workspace_id AND p.campaign_id = a.campaign_id
	JOIN campaign k ON k.workspace_id = a.workspace_id AND k.id = a.campaign_id
	WHERE EXISTS (SELECT FROM lead) AND k.schedule_version = a.version
		AND k.status IN ('active', 'paused') AND p.tzdata = a.was_tzdata
	ORDER BY p.campaign_id
	FOR UPDATE OF p
), moved AS (
	UPDATE scheduled_call c SET due_at = o.due, retry_before = o.before,
		scheduled_at = coalesce(o.due, c.scheduled_at),
		status = CASE WHEN o.due IS NULL THEN 'cancelled' ELSE c.status END,
		outcome = CASE WHEN o.due IS NULL THEN 'cancelled' ELSE c.outcome END,
		occurrence_key = CASE WHEN o.due IS NOT NULL THEN c.occurrence_key END,
		updated_at = now()
	FROM unnest($7::uuid[], $8::uuid[], $9::uuid[], $10::timestamptz[], $11::timestamptz[],
		$12::timestamptz[]) AS o (workspace_id, campaign_id, id, was_due, due, before)
	WHERE c.workspace_id = o.workspace_id AND c.id = o.id AND c.status = 'scheduled'
		AND c.dials = 0 AND c.due_at = o.was_due
		-- Hashed, where a join would be quadratic.
		AND (o.campaign_id IN (SELECT campaign_id FROM plan)) IS TRUE
	RETURNING c AS call, c.workspace_id, c.campaign_id, c.id, c.status
), advanced AS (
	UPDATE campaign_plan p SET tzdata = $6,
		planned_after = least(p.planned_after, clock_timestamp()),
		next_occurrence_at = CASE WHEN x.is_active THEN clock_timestamp()
			ELSE p.next_occurrence_at END
	FROM plan x
	WHERE p.workspace_id = x.workspace_id AND p.campaign_id = x.campaign_id
	RETURNING 1
), locked AS (
	SELECT k.workspace_id, k.campaign_id, m.n
	FROM (SELECT workspace_id, campaign_id, count(*) AS n FROM moved
		WHERE status = 'cancelled' GROUP BY 1, 2) m
	JOIN campaign_count k ON k.workspace_id = m.workspace_id AND k.campaign_id = m.campaign_id
	ORDER BY k.campaign_id FOR UPDATE OF k
), counted AS (
	UPDATE campaign_count k SET scheduled = k.scheduled - l.n, skipped = k.skipped + l.n
	FROM locked l
	WHERE k.workspace_id = l.workspace_id AND k.campaign_id = l.campaign_id
	RETURNING 1
)
SELECT (SELECT count(*) FROM advanced),
	(SELECT count(*) FROM moved WHERE status = 'scheduled'),
	(SELECT count(*) FROM moved WHERE status = 'cancelled'),
	(SELECT publish(array_agg(ROW('scheduled_call.cancelled', m.workspace_id, now(), 'recurring',
		m.call, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'rescheduled', NULL,
		NULL)::publishable ORDER BY m.id))
	FROM moved m, (SELECT count(*) FROM counted) done
	WHERE m.status = 'cancelled')
