-- Attempts that ended: the attempt's record, the call's next state, target, counters, conversation
-- and events. `decisions` come from domain/retry:
--   done    a conversation took place (recorded by attempt_bridged, or now)
--   failed  the last attempt of the call
--   retry   again at due_at
--   back    again at due_at, uncounted (the campaign is being paused)
--   void    it never reached the carrier: as if it had not been claimed
-- What was billed is taken off the workspace's credit, where that is limited. A conversation that the
-- API was asked to hang up, and that ended by us, has the end reason `hangup`.
-- Only for attempts that this dispatcher still holds; guarded so, a repetition changes nothing.
-- A call of a campaign that was cancelled meanwhile is not made again.
-- One row per attempt: `final` is NULL when nothing was recorded, and then is_elsewhere says that
-- another dispatcher holds it.
-- $1 dispatcher_id uuid
-- $2 workspace_ids uuid[]
-- $3 attempt_ids uuid[]
-- $4 outcomes text[]
-- $5 sip_codes int2[]
-- $6 q850 int2[]
-- $7 ended_by text[]
-- $8 dialed_at timestamptz[]
-- $9 answered_at timestamptz[]
-- $10 ended_at timestamptz[]
-- $11 talk_ms int8[]
-- $12 decisions text[]
-- $13 due_at timestamptz[]
-- $14 counted bool[]
-- $15 conversation_ids uuid[]
-- $16 end_reasons text[]
-- $17 provider_refs text[]
-- rows: attempt_id uuid, final text, is_elsewhere bool, deliveries int8
WITH said AS (
	SELECT s.* FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::smallint[], $6::smallint[],
		$7::text[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::bigint[],
		$12::text[], $13::timestamptz[], $14::bool[], $15::uuid[], $16::text[], $17::text[])
		WITH ORDINALITY AS s (workspace_id, attempt_id, outcome, sip_code, q850, ended_by,
		dialed_at, answered_at, ended_at, talk_ms, decision, due_at, is_counted,
		conversation_id, end_reason, provider_ref, ord)
), gone AS (
	DELETE FROM attempt a USING said s
	WHERE a.workspace_id = s.workspace_id AND a.id = s.attempt_id
		AND a.dispatcher_id IS NOT DISTINCT FROM $1 -- as in attempt_bridged
	RETURNING s.*, a.call_id, a.campaign_id, a.target_id, a.number,
		coalesce(s.dialed_at, a.claimed_at) AS began_at,
		coalesce(a.answered_at, s.answered_at) AS picked_up_at, a.bridged_at,
		coalesce(a.conversation_id, s.conversation_id) AS talk_id
), hung_up AS (
	DELETE FROM hangup h USING gone g
	WHERE h.workspace_id = g.workspace_id AND h.attempt_id = g.attempt_id
	RETURNING h.workspace_id, h.attempt_id
), judged AS (
	SELECT g.*, k.kind AS campaign_kind,
		-- Uncorrelated, so that it is hashed.
		CASE WHEN g.end_reason = 'us' AND (g.workspace_id, g.attempt_id) IN (
				SELECT workspace_id, attempt_id FROM hung_up) THEN 'hangup'
			ELSE g.end_reason END AS reason,
		-- Already recorded as a conversation that began, and nothing about the call changes.
		g.bridged_at IS NOT NULL AND g.outcome = 'answered' AS is_settled,
		coalesce(g.bridged_at, g.ended_at - g.talk_ms * interval '1 millisecond') AS talk_began_at,
		(g.talk_ms + w.billing_increment_s * 1000 - 1) / (w.billing_increment_s * 1000)
			* w.billing_increment_s AS billed_s,
		CASE WHEN g.decision IN ('retry', 'back', 'void') AND k.status IN ('cancelled', 'completed')
			THEN CASE g.decision WHEN 'void' THEN 'cancelled' ELSE 'failed' END
			ELSE g.decision END AS final
	FROM gone g
	JOIN workspace w ON w.id = g.workspace_id
	LEFT JOIN campaign k ON k.workspace_id = g.workspace_id AND k.id = g.campaign_id
), kept AS (
	INSERT INTO attempt_done (workspace_id, call_id, number, id, dialed_at, answered_at, ended_at,
		outcome, sip_code, q850, ended_by, provider_ref)
	SELECT workspace_id, call_id, number, attempt_id, began_at, picked_up_at, ended_at, outcome,
		sip_code, q850, ended_by, provider_ref
	FROM judged WHERE decision <> 'void'
	RETURNING 1
), called AS (
	UPDATE scheduled_call c SET
		status = CASE j.final WHEN 'done' THEN 'dispatched' WHEN 'failed' THEN 'failed'
			WHEN 'cancelled' THEN 'cancelled' ELSE 'scheduled' END,
		outcome = CASE WHEN j.final = 'cancelled' THEN 'cancelled'
			WHEN j.decision = 'void' THEN c.outcome ELSE j.outcome END,
		-- Decided before Postgres was to be had: not so long ago that the sweep has passed it.
		due_at = CASE WHEN j.final IN ('retry', 'back', 'void')
			THEN greatest(j.due_at, now() - interval '5 seconds') ELSE c.due_at END,
		conversation_id = CASE WHEN j.final = 'done' THEN j.talk_id ELSE c.conversation_id END,
		dials = c.dials - (j.decision = 'void')::int,
		counted = c.counted + (j.is_counted AND j.bridged_at IS NULL)::int,
		rate_limited = c.rate_limited + (j.outcome = 'rate_limited')::int,
		carrier_errors = c.carrier_errors + (j.outcome = 'carrier_error')::int,
		agent_unavailable = c.agent_unavailable + (j.outcome = 'agent_unavailable')::int,
		updated_at = now()
	FROM judged j
	WHERE c.workspace_id = j.workspace_id AND c.id = j.call_id AND c.attempt_id = j.attempt_id
		AND NOT j.is_settled
	RETURNING j.*, c AS call
), talked AS (
	INSERT INTO conversation AS v (workspace_id, id, call_id, attempt_id, status, started_at,
		ended_at, duration_ms, billed_s, end_reason)
	SELECT workspace_id, talk_id, call_id, attempt_id, 'completed', talk_began_at, ended_at,
		talk_ms, billed_s, reason
	FROM judged WHERE final = 'done' AND bridged_at IS NULL
	RETURNING 1
), closed AS (
	UPDATE conversation v SET status = 'completed', ended_at = j.ended_at,
		duration_ms = j.talk_ms, end_reason = j.reason, billed_s = j.billed_s
	FROM judged j
	WHERE j.bridged_at IS NOT NULL AND v.workspace_id = j.workspace_id AND v.id = j.talk_id
	RETURNING 1
), reached AS (
	UPDATE target t SET
		status = CASE j.final WHEN 'done' THEN 'dispatched' WHEN 'failed' THEN 'failed'
			WHEN 'cancelled' THEN 'skipped' ELSE t.status END,
		outcome = j.outcome, attempts = j.number, updated_at = now()
	FROM judged j
	WHERE t.workspace_id = j.workspace_id AND t.id = j.target_id AND j.final <> 'void'
		AND NOT j.is_settled
	RETURNING t.workspace_id, t.campaign_id, j.final, j.bridged_at
), moved AS (
	-- Counted are the calls of a recurring campaign, the targets of a bulk one.
	SELECT workspace_id, campaign_id, count(*) FILTER (WHERE final = 'done') AS dispatched,
		count(*) FILTER (WHERE final = 'failed') AS failed,
		count(*) FILTER (WHERE final = 'cancelled') AS skipped
	FROM (SELECT workspace_id, campaign_id, final, bridged_at FROM called
			WHERE target_id IS NULL AND campaign_id IS NOT NULL
		UNION ALL SELECT workspace_id, campaign_id, final, bridged_at FROM reached) x
	WHERE bridged_at IS NULL AND final IN ('done', 'failed', 'cancelled')
	GROUP BY 1, 2
), locked AS (
	SELECT m.* FROM campaign_count k JOIN moved m USING (workspace_id, campaign_id)
	ORDER BY k.campaign_id FOR UPDATE OF k
), counted AS (
	UPDATE campaign_count k SET
		scheduled = k.scheduled - l.dispatched - l.failed - l.skipped,
		dispatched = k.dispatched + l.dispatched, failed = k.failed + l.failed,
		skipped = k.skipped + l.skipped
	FROM locked l
	WHERE k.workspace_id = l.workspace_id AND k.campaign_id = l.campaign_id
	RETURNING 1
), owed AS (
	SELECT workspace_id, sum(billed_s)::bigint AS billed_s FROM judged
	WHERE bridged_at IS NOT NULL OR final = 'done'
	GROUP BY 1
), purse AS (
	-- After the counters and before the sequence, as everywhere. In a unit that has published
	-- before, workspace_credit_lock took it.
	SELECT w.id, o.billed_s FROM (SELECT count(*) FROM counted) counters
	CROSS JOIN owed o
	JOIN workspace w ON w.id = o.workspace_id
	WHERE w.credit_s IS NOT NULL AND o.billed_s > 0
	ORDER BY w.id FOR NO KEY UPDATE OF w
), charged AS (
	UPDATE workspace w SET credit_s = w.credit_s - p.billed_s
	FROM purse p WHERE w.id = p.id
	RETURNING 1
), done AS MATERIALIZED (
	SELECT (SELECT count(*) FROM counted) + (SELECT count(*) FROM charged)
		+ (SELECT count(*) FROM kept)
		+ (SELECT count(*) FROM talked) + (SELECT count(*) FROM closed) AS n
), whole AS (
	SELECT * FROM called
	UNION ALL
	SELECT j.*, c FROM judged j
	JOIN scheduled_call c ON c.workspace_id = j.workspace_id AND c.id = j.call_id
	WHERE j.is_settled
), told AS (
	SELECT j.ord, e.step, ROW(e.type, j.workspace_id,
		CASE e.step WHEN 1 THEN j.talk_began_at ELSE j.ended_at END, j.campaign_kind, j.call,
		j.number, j.outcome, j.sip_code,
		CASE WHEN e.step < 3 THEN j.talk_id END, CASE WHEN e.step < 3 THEN j.talk_began_at END,
		CASE e.step WHEN 2 THEN j.ended_at END, CASE e.step WHEN 2 THEN j.talk_ms END,
		CASE e.step WHEN 2 THEN j.billed_s END,
		CASE e.step WHEN 2 THEN j.reason WHEN 4 THEN 'campaign_cancelled' END,
		NULL, NULL)::publishable AS event
	FROM done
	CROSS JOIN whole j
	CROSS JOIN LATERAL (VALUES
		(1, CASE WHEN j.final = 'done' AND j.bridged_at IS NULL
			THEN 'scheduled_call.dispatched' END),
		(2, CASE WHEN j.final = 'done' THEN 'conversation.completed' END),
		(3, CASE WHEN j.final = 'failed' THEN 'scheduled_call.failed' END),
		(4, CASE WHEN j.final = 'cancelled' THEN 'scheduled_call.cancelled' END)) AS e (step, type)
	WHERE e.type IS NOT NULL
), published AS MATERIALIZED (
	SELECT publish(array_agg(event ORDER BY ord, step)) AS n FROM told
), answered AS (
	SELECT ord, workspace_id, attempt_id, final FROM judged
	UNION ALL
	-- Hashed, where a join would be quadratic: the planner takes `judged` for one row.
	SELECT ord, workspace_id, attempt_id, NULL FROM said
	WHERE ord NOT IN (SELECT ord FROM judged)
)
SELECT a.attempt_id, a.final,
	a.final IS NULL AND EXISTS (SELECT FROM attempt x WHERE x.workspace_id = a.workspace_id
		AND x.id = a.attempt_id) AS is_elsewhere,
	p.n AS deliveries
FROM published p
CROSS JOIN answered a
ORDER BY a.ord
