-- The pull log: events after a sequence, oldest first, of the given types (none: all). It looks at a
-- bounded number of events: `scanned` of them, the last of which is `upto`. One row without an
-- event says that none was found.
-- $1 workspace_id uuid
-- $2 after int8
-- $3 types text[]
-- $4 scan int8
-- $5 most int8
-- rows: scanned int8, upto int8, event_id uuid, sequence int8, type text, at timestamptz,
--   campaign_id uuid, campaign_kind text, call_id uuid, target_id uuid, agent_id uuid,
--   conversation_id uuid, to_number text, from_number text, external_id text, variables jsonb,
--   call_created_at timestamptz, scheduled_at timestamptz, next_attempt_at timestamptz,
--   status text, outcome text, attempt_number int2, attempt_outcome text, sip_code int2,
--   started_at timestamptz, ended_at timestamptz, duration_ms int8, billed_s int8,
--   end_reason text, data text
WITH looked AS MATERIALIZED (
	SELECT e.sequence, e.type, e.id FROM events_after($1, $2, $4) e
), span AS (
	SELECT count(*) AS scanned, coalesce(max(sequence), $2) AS upto FROM looked
), picked AS (
	SELECT l.sequence, l.id FROM looked l WHERE cardinality($3) = 0 OR l.type = ANY ($3)
	ORDER BY l.sequence LIMIT $5
)
SELECT s.scanned, s.upto, e.id, e.sequence, e.type, e.at, e.campaign_id, e.campaign_kind, e.call_id,
	e.target_id, e.agent_id, e.conversation_id, e.to_number, e.from_number, e.external_id,
	e.variables, e.call_created_at, e.scheduled_at, e.next_attempt_at, e.status, e.outcome,
	e.attempt_number, e.attempt_outcome, e.sip_code, e.started_at, e.ended_at, e.duration_ms,
	e.billed_s, e.end_reason, e.data
FROM span s
LEFT JOIN events($1, ARRAY(SELECT p.sequence FROM picked p), ARRAY(SELECT p.id FROM picked p)) e ON true
ORDER BY e.sequence
