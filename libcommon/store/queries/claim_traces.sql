-- The traces that calls were asked for under; no row for one that is a trace of its own.
-- $1 workspace_ids uuid[]
-- $2 call_ids uuid[]
-- rows: call_id uuid, trace_id uuid, flags int2, tracestate text
SELECT t.call_id, t.trace_id, t.flags, t.tracestate FROM call_trace t
WHERE (t.workspace_id, t.call_id) IN (
	SELECT a.workspace_id, a.call_id
	FROM unnest($1::uuid[], $2::uuid[]) AS a (workspace_id, call_id))
