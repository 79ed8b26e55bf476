-- What ranges owe to several endpoints, each up to its room and after the sequence that was read last,
-- in order, with the events. Nothing is written: the endpoint's sender keeps in memory what it has in
-- hand. Up to check_upto somebody may have sent before, so what is recorded already is left out. A
-- row without a delivery says that a range has nothing more, or (more) that enough was read for once.
-- $1 sender_id uuid
-- $2 workspace_ids uuid[]
-- $3 endpoint_ids uuid[]
-- $4 rooms int4[]
-- $5 after int8[]
-- $6 check_upto int8[]
-- $7 first_delay_us int8
-- rows: endpoint_id uuid, to_sequence int8, created_at timestamptz, delivery_id uuid, more bool,
--   workspace_id uuid, event_id uuid, sequence int8, type text, at timestamptz, campaign_id uuid,
--   campaign_kind text, call_id uuid, target_id uuid, agent_id uuid, conversation_id uuid,
--   to_number text, from_number text, external_id text, variables jsonb,
--   call_created_at timestamptz, scheduled_at timestamptz, next_attempt_at timestamptz,
--   status text, outcome text, attempt_number int2, attempt_outcome text, sip_code int2,
--   started_at timestamptz, ended_at timestamptz, duration_ms int8, billed_s int8,
--   end_reason text, data text, trace_id uuid, trace_flags int2, tracestate text
WITH owed AS (
	-- OFFSET 0: looked up one by one. As a join the planner may read whole tables here.
	SELECT w.endpoint_id, w.workspace_id, x.*
	FROM unnest($2, $3, $4, $5, $6) AS w(workspace_id, endpoint_id, room, after, check_upto)
	CROSS JOIN LATERAL (SELECT FROM webhook_endpoint e
		WHERE e.workspace_id = w.workspace_id AND e.id = w.endpoint_id AND e.sender_id = $1
			AND e.status = 'enabled' AND e.deleted_at IS NULL
			AND (e.gate_until IS NULL OR e.gate_until <= now()) OFFSET 0) e
	CROSS JOIN LATERAL owed_events(w.workspace_id, w.endpoint_id, w.after, w.check_upto, w.room,
		$7) x
	WHERE w.room > 0
), started AS (
	-- Once for each campaign: a thousand events are mostly of one.
	SELECT k.id, k.tracestate FROM campaign k
	WHERE k.id = ANY (ARRAY(SELECT DISTINCT campaign_id FROM owed)) AND k.tracestate IS NOT NULL
)
SELECT o.endpoint_id, o.to_sequence, o.created_at, o.delivery_id, o.more, o.workspace_id, o.event_id,
	o.sequence, o.type, o.at, o.campaign_id, o.campaign_kind, o.call_id, o.target_id, o.agent_id,
	o.conversation_id, o.to_number, o.from_number, o.external_id, o.variables, o.call_created_at,
	o.scheduled_at, o.next_attempt_at, o.status, o.outcome, o.attempt_number, o.attempt_outcome,
	o.sip_code, o.started_at, o.ended_at, o.duration_ms, o.billed_s, o.end_reason, o.data,
	t.trace_id, t.flags AS trace_flags, coalesce(t.tracestate, k.tracestate) AS tracestate
FROM owed o
LEFT JOIN started k ON k.id = o.campaign_id
LEFT JOIN LATERAL (SELECT t.trace_id, t.flags, t.tracestate FROM call_trace t WHERE o.campaign_id IS NULL
	AND t.workspace_id = o.workspace_id AND t.call_id = o.call_id OFFSET 0) t ON true
ORDER BY o.endpoint_id, coalesce(o.sequence, o.to_sequence), o.sequence
