-- Makes calls of the occurrences of a page of recurring campaigns and moves their plans, under the
-- epoch of the leader that runs it. Nothing is written of a campaign whose plan, version or status
-- is not the one that the page was computed from: an edit, a pause or another leader came between.
-- Repeated or cut short it makes nothing twice: the plan has moved, and an occurrence's key is unique
-- within its version. Share the campaigns first, in a statement of their own (campaign_share).
-- A campaign that is_aside is expected not to be active; only its plan's next instant changes.
-- $1 epoch int8
-- $2 workspace_ids uuid[]
-- $3 campaign_ids uuid[]
-- $4 versions int4[]
-- $5 is_aside bool[]
-- $6 was_after timestamptz[]
-- $7 was_next timestamptz[]
-- $8 after timestamptz[]
-- $9 nominals int8[]
-- $10 next_at timestamptz[]
-- $11 tzdata text
-- $12 catch_up_s int4
-- $13 call_workspace_ids uuid[]
-- $14 call_campaign_ids uuid[]
-- $15 instants timestamptz[]
-- $16 keys text[]
-- $17 retry_before timestamptz[]
-- rows: planned int8, made int8, deliveries int8
WITH lead AS (
	SELECT 1 FROM leader WHERE name = 'scheduler' AND epoch = $1 FOR SHARE
), plan AS (
	SELECT p.workspace_id, p.campaign_id, a.is_aside, a.after, a.nominal, a.next_at
	FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::bool[], $6::timestamptz[],
		$7::timestamptz[], $8::timestamptz[], $9::bigint[], $10::timestamptz[])
		AS a (workspace_id, campaign_id, version, is_aside, was_after, was_next, after, nominal,
		next_at)
	JOIN campaign_plan p ON p.workspace_id = a.workspace_id AND p.campaign_id = a.campaign_id
	JOIN campaign k ON k.workspace_id = a.workspace_id AND k.id = a.campaign_id
	WHERE EXISTS (SELECT FROM lead) AND k.schedule_version = a.version
		AND (k.status = 'active' AND k.kind = 'recurring') <> a.is_aside
		AND p.planned_after IS NOT DISTINCT FROM a.was_after AND p.next_occurrence_at = a.was_next
	ORDER BY p.campaign_id
	FOR UPDATE OF p
), made AS (
	INSERT INTO scheduled_call AS c (workspace_id, id, campaign_id, number_id, agent_id,
		schedule_version, occurrence_key, to_number, from_number, variables, created_at,
		updated_at, status, due_at, scheduled_at, catch_up_s, retry_before)
	SELECT k.workspace_id, uuid7(now(), o.ord), k.id, k.number_id, k.agent_id, k.schedule_version,
		o.key, k.to_number, n.e164, k.variables, now(), now(), 'scheduled', o.at, o.at, $12,
		o.before
	FROM unnest($13::uuid[], $14::uuid[], $15::timestamptz[], $16::text[], $17::timestamptz[])
		WITH ORDINALITY AS o (workspace_id, campaign_id, at, key, before, ord)
	JOIN campaign k ON k.workspace_id = o.workspace_id AND k.id = o.campaign_id
	JOIN number n ON n.workspace_id = k.workspace_id AND n.id = k.number_id
	-- Hashed, where a join would be quadratic: the planner takes `plan` for a few rows.
	WHERE (o.campaign_id IN (SELECT campaign_id FROM plan WHERE NOT is_aside)) IS TRUE
	ORDER BY o.ord
	ON CONFLICT (campaign_id, schedule_version, occurrence_key)
		WHERE occurrence_key IS NOT NULL DO NOTHING
	RETURNING c AS call, c.workspace_id, c.campaign_id, c.id
), advanced AS (
	UPDATE campaign_plan p SET planned_after = x.after, planned_nominal = x.nominal,
		next_occurrence_at = x.next_at,
		tzdata = CASE WHEN x.is_aside THEN p.tzdata ELSE $11 END
	FROM plan x
	WHERE p.workspace_id = x.workspace_id AND p.campaign_id = x.campaign_id
	RETURNING 1
), locked AS (
	SELECT k.workspace_id, k.campaign_id, m.n
	FROM (SELECT workspace_id, campaign_id, count(*) AS n FROM made GROUP BY 1, 2) m
	JOIN campaign_count k ON k.workspace_id = m.workspace_id AND k.campaign_id = m.campaign_id
	ORDER BY k.campaign_id FOR UPDATE OF k
), counted AS (
	UPDATE campaign_count k SET total = k.total + l.n, scheduled = k.scheduled + l.n
	FROM locked l
	WHERE k.workspace_id = l.workspace_id AND k.campaign_id = l.campaign_id
	RETURNING 1
)
SELECT (SELECT count(*) FROM advanced), (SELECT count(*) FROM made),
	(SELECT publish(array_agg(ROW('scheduled_call.created', m.workspace_id, now(), 'recurring',
		m.call, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::publishable
		ORDER BY m.id))
	FROM made m, (SELECT count(*) FROM counted) done)
