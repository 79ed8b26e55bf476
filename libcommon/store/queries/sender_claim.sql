-- Claims due deliveries for several endpoints, each up to its room, oldest first, with their events.
-- An endpoint has one sender, so a row in another's name is a dead one's: it keeps its attempt
-- number, as does one of our own whose lease ran out. A first attempt waits out the first delay.
-- What fell due before `since` is left for a claim that asks from the beginning: without that bound
-- every claim would wade through the dead rows of all that was sent while an old snapshot stands.
-- $1 sender_id uuid
-- $2 workspace_ids uuid[]
-- $3 endpoint_ids uuid[]
-- $4 rooms int4[]
-- $5 since timestamptz[]
-- $6 lease_us int8
-- $7 first_delay_us int8
-- rows: endpoint_id uuid, delivery_id uuid, attempt int2, due_at timestamptz, event_id uuid,
--   workspace_id uuid, sequence int8, type text, at timestamptz, campaign_id uuid,
--   campaign_kind text, call_id uuid, target_id uuid, agent_id uuid, conversation_id uuid,
--   to_number text, from_number text, external_id text, variables jsonb,
--   call_created_at timestamptz, scheduled_at timestamptz, next_attempt_at timestamptz,
--   status text, outcome text, attempt_number int2, attempt_outcome text, sip_code int2,
--   started_at timestamptz, ended_at timestamptz, duration_ms int8, billed_s int8,
--   end_reason text, data text, trace_id uuid, trace_flags int2, tracestate text
WITH picked AS (
	SELECT x.ctid AS tid
	FROM unnest($2, $3, $4, $5) AS w(workspace_id, endpoint_id, room, since)
	JOIN webhook_endpoint e ON e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
	CROSS JOIN LATERAL (
		SELECT d.ctid FROM delivery d
		WHERE d.endpoint_id = w.endpoint_id AND d.due_at >= w.since AND d.due_at <= now()
		AND (d.sender_id IS NULL OR d.sender_id <> $1 OR d.lease_until < now())
		AND (d.attempts > 0 OR d.due_at <= now() - $7 * interval '1 microsecond')
		ORDER BY d.due_at LIMIT w.room FOR UPDATE SKIP LOCKED) x
	WHERE e.sender_id = $1 AND e.status = 'enabled' AND e.deleted_at IS NULL
	AND (e.gate_until IS NULL OR e.gate_until <= now())
	LIMIT 1000
), taken AS (
	UPDATE delivery d SET sender_id = $1, lease_until = now() + $6 * interval '1 microsecond',
		attempts = d.attempts + CASE WHEN d.sender_id IS NULL THEN 1 ELSE 0 END
	FROM picked p WHERE d.ctid = p.tid
	RETURNING d.workspace_id, d.endpoint_id, d.id, d.sequence, d.attempts, d.due_at, d.created_at,
		d.generation
)
SELECT t.endpoint_id, t.id AS delivery_id, t.attempts AS attempt, t.due_at, e.id AS event_id,
	t.workspace_id, t.sequence, e.type, e.at, e.campaign_id, e.campaign_kind, e.call_id,
	e.target_id, e.agent_id, e.conversation_id, e.to_number, e.from_number, e.external_id,
	e.variables, e.call_created_at, e.scheduled_at, e.next_attempt_at, e.status, e.outcome,
	e.attempt_number, e.attempt_outcome, e.sip_code, e.started_at, e.ended_at, e.duration_ms,
	e.billed_s, e.end_reason, e.data, x.trace_id, x.flags AS trace_flags,
	coalesce(x.tracestate, (SELECT k.tracestate FROM campaign k
		WHERE k.workspace_id = e.workspace_id AND k.id = e.campaign_id)) AS tracestate
FROM taken t
LEFT JOIN event e ON e.workspace_id = t.workspace_id AND e.sequence = t.sequence
	AND e.id >= event_from(t.created_at, t.generation, (SELECT h.since FROM history h
		WHERE h.parent = 'event'))
LEFT JOIN call_trace x ON e.campaign_id IS NULL AND x.workspace_id = e.workspace_id
	AND x.call_id = e.call_id
ORDER BY t.due_at, t.sequence
