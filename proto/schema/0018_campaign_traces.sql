-- What is carried beside a traceparent (W3C tracestate). Of a campaign: the request that started it, to
-- which nothing else connects its calls, each of which is a trace of its own. Of an ad hoc call: what
-- its request brought. Versions before this one leave both out.
ALTER TABLE campaign ADD COLUMN tracestate text CHECK (length(tracestate) <= 512);
ALTER TABLE call_trace ADD COLUMN tracestate text CHECK (length(tracestate) <= 512);
