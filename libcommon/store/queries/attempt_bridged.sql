-- Conversations that began: dialing -> dispatched, with the conversation, the target, the counters
-- and the event. Only for attempts that this dispatcher still holds, and once.
-- $1 dispatcher_id uuid
-- $2 workspace_ids uuid[]
-- $3 attempt_ids uuid[]
-- $4 answered_at timestamptz[]
-- $5 bridged_at timestamptz[]
-- $6 conversation_ids uuid[]
-- $7 provider_refs text[]
-- rows: recorded int8, deliveries int8
WITH said AS (
	SELECT s.* FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[],
		$6::uuid[], $7::text[]) WITH ORDINALITY
		AS s (workspace_id, attempt_id, answered_at, bridged_at, conversation_id, provider_ref, ord)
), held AS (
	UPDATE attempt a SET answered_at = s.answered_at, bridged_at = s.bridged_at,
		conversation_id = s.conversation_id, provider_ref = s.provider_ref
	FROM said s
	WHERE a.workspace_id = s.workspace_id AND a.id = s.attempt_id
		-- No index serves IS NOT DISTINCT FROM: by its dispatcher the planner would read all
		-- that is open for each row said.
		AND a.dispatcher_id IS NOT DISTINCT FROM $1 AND a.bridged_at IS NULL
	RETURNING s.ord, a.workspace_id, a.id, a.call_id, a.campaign_id, a.target_id, a.number,
		a.bridged_at, a.conversation_id
), called AS (
	UPDATE scheduled_call c SET status = 'dispatched', outcome = 'answered',
		conversation_id = h.conversation_id, counted = c.counted + 1, updated_at = now()
	FROM held h
	WHERE c.workspace_id = h.workspace_id AND c.id = h.call_id AND c.attempt_id = h.id
		AND c.status = 'dialing'
	RETURNING h.*, c AS call
), talking AS (
	INSERT INTO conversation (workspace_id, id, call_id, attempt_id, status, started_at)
	SELECT workspace_id, conversation_id, call_id, id, 'in_progress', bridged_at FROM called
	RETURNING 1
), reached AS (
	UPDATE target t SET status = 'dispatched', outcome = 'answered', attempts = c.number,
		updated_at = now()
	FROM called c
	WHERE t.workspace_id = c.workspace_id AND t.id = c.target_id AND t.status = 'scheduled'
	RETURNING t.workspace_id, t.campaign_id
), moved AS (
	-- Counted are the calls of a recurring campaign, the targets of a bulk one.
	SELECT workspace_id, campaign_id, count(*) AS n
	FROM (SELECT workspace_id, campaign_id FROM called
			WHERE target_id IS NULL AND campaign_id IS NOT NULL
		UNION ALL SELECT workspace_id, campaign_id FROM reached) x
	GROUP BY 1, 2
), locked AS (
	SELECT k.workspace_id, k.campaign_id, m.n
	FROM campaign_count k JOIN moved m USING (workspace_id, campaign_id)
	ORDER BY k.campaign_id FOR UPDATE OF k
), counted AS (
	UPDATE campaign_count k SET scheduled = k.scheduled - l.n, dispatched = k.dispatched + l.n
	FROM locked l
	WHERE k.workspace_id = l.workspace_id AND k.campaign_id = l.campaign_id
	RETURNING 1
), done AS MATERIALIZED (
	SELECT (SELECT count(*) FROM counted) + (SELECT count(*) FROM talking) AS n
)
SELECT count(*), publish(array_agg(ROW('scheduled_call.dispatched', c.workspace_id, c.bridged_at,
	k.kind, c.call, c.number, 'answered', NULL, c.conversation_id, c.bridged_at, NULL, NULL, NULL,
	NULL, NULL, NULL)::publishable ORDER BY c.ord))
FROM called c
CROSS JOIN done
LEFT JOIN campaign k ON k.workspace_id = c.workspace_id AND k.id = c.campaign_id
