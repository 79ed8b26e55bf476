-- What the attempts said about their endpoints. A wait of 0 leaves the gate as it is.
-- $1 sender_id uuid
-- $2 workspace_ids uuid[]
-- $3 endpoint_ids uuid[]
-- $4 consecutive_failures int4[]
-- $5 succeeded bool[]
-- $6 failed bool[]
-- $7 gates_us int8[]
UPDATE webhook_endpoint e SET consecutive_failures = w.consecutive_failures,
	last_success_at = CASE WHEN w.succeeded THEN now() ELSE e.last_success_at END,
	failing_since = CASE WHEN w.succeeded THEN NULL WHEN w.failed
		THEN coalesce(e.failing_since, now()) ELSE e.failing_since END,
	gate_until = CASE WHEN w.gate_us > 0
		THEN greatest(e.gate_until, now() + w.gate_us * interval '1 microsecond')
		ELSE e.gate_until END
FROM unnest($2, $3, $4, $5, $6, $7) AS w(workspace_id, endpoint_id, consecutive_failures, succeeded,
	failed, gate_us)
WHERE e.workspace_id = w.workspace_id AND e.id = w.endpoint_id AND e.sender_id = $1
