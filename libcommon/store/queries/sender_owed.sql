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
SELECT e.id AS endpoint_id, x.to_sequence, x.created_at, x.delivery_id, x.more, e.workspace_id,
	x.event_id, x.sequence, x.type, x.at, x.campaign_id, x.campaign_kind, x.call_id,
	x.target_id, x.agent_id, x.conversation_id, x.to_number, x.from_number, x.external_id,
	x.variables, x.call_created_at, x.scheduled_at, x.next_attempt_at, x.status, x.outcome,
	x.attempt_number, x.attempt_outcome, x.sip_code, x.started_at, x.ended_at, x.duration_ms,
	x.billed_s, x.end_reason, x.data, t.trace_id, t.flags AS trace_flags,
	coalesce(t.tracestate, (SELECT k.tracestate FROM campaign k
		WHERE k.workspace_id = e.workspace_id AND k.id = x.campaign_id)) AS tracestate
FROM unnest($2, $3, $4, $5, $6) AS w(workspace_id, endpoint_id, room, after, check_upto)
JOIN webhook_endpoint e ON e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
CROSS JOIN LATERAL owed_events(w.workspace_id, w.endpoint_id, w.after, w.check_upto, w.room, $7) x
LEFT JOIN call_trace t ON x.campaign_id IS NULL AND t.workspace_id = w.workspace_id
	AND t.call_id = x.call_id
WHERE w.room > 0 AND e.sender_id = $1 AND e.status = 'enabled' AND e.deleted_at IS NULL
AND (e.gate_until IS NULL OR e.gate_until <= now())
ORDER BY e.id, coalesce(x.sequence, x.to_sequence), x.sequence
