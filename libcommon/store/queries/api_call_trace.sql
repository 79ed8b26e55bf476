-- The trace of an ad hoc call, where its request named one.
-- $1 workspace_id uuid
-- $2 call_id uuid
-- $3 trace_id uuid
-- $4 flags int2
-- $5 tracestate text
INSERT INTO call_trace (workspace_id, call_id, trace_id, flags, tracestate)
VALUES ($1, $2, $3, $4, $5)
