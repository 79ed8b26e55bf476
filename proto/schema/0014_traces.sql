-- The traces (W3C traceparent) that ad hoc calls were asked for under. A call without a row here is a
-- trace of its own, under its own id.
CREATE TABLE call_trace (
	workspace_id uuid NOT NULL,
	call_id uuid NOT NULL,
	trace_id uuid NOT NULL,
	flags smallint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace_id, call_id)
);
CREATE INDEX call_trace_age ON call_trace (created_at);
