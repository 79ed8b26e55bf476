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
-- rows: endpoint_id uuid, from_sequence int8, to_sequence int8, delivery_id uuid,
--   created_at timestamptz, more bool, event_id uuid,
--   workspace_id uuid, sequence int8, type text, at timestamptz, campaign_id uuid,
--   campaign_kind text, call_id uuid, target_id uuid, agent_id uuid, conversation_id uuid,
--   to_number text, from_number text, external_id text, variables jsonb,
--   call_created_at timestamptz, scheduled_at timestamptz, next_attempt_at timestamptz,
--   status text, outcome text, attempt_number int2, attempt_outcome text, sip_code int2,
--   started_at timestamptz, ended_at timestamptz, duration_ms int8, billed_s int8,
--   end_reason text, data text
WITH picked AS (
	SELECT e.workspace_id, e.id AS endpoint_id, x.from_sequence, x.to_sequence, x.sequence,
		x.delivery_id, x.created_at, x.more
	FROM unnest($2, $3, $4, $5, $6) AS w(workspace_id, endpoint_id, room, after, check_upto)
	JOIN webhook_endpoint e ON e.workspace_id = w.workspace_id AND e.id = w.endpoint_id
	CROSS JOIN LATERAL owed_events(w.workspace_id, w.endpoint_id, w.after, w.check_upto, w.room,
		$7) x
	WHERE w.room > 0 AND e.sender_id = $1 AND e.status = 'enabled' AND e.deleted_at IS NULL
	AND (e.gate_until IS NULL OR e.gate_until <= now())
	LIMIT 20000
)
SELECT p.endpoint_id, p.from_sequence, p.to_sequence, p.delivery_id, p.created_at, p.more,
	e.id AS event_id, p.workspace_id, p.sequence, e.type, e.at, e.campaign_id, e.campaign_kind,
	e.call_id, e.target_id, e.agent_id, e.conversation_id, e.to_number, e.from_number,
	e.external_id, e.variables, e.call_created_at, e.scheduled_at, e.next_attempt_at, e.status,
	e.outcome, e.attempt_number, e.attempt_outcome, e.sip_code, e.started_at, e.ended_at,
	e.duration_ms, e.billed_s, e.end_reason, e.data
FROM picked p
LEFT JOIN event e ON e.workspace_id = p.workspace_id AND e.sequence = p.sequence
ORDER BY p.endpoint_id, coalesce(p.sequence, p.to_sequence), p.sequence
