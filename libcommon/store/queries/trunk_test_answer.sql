-- What came of a test of a trunk; the first answer counts.
-- $1 id uuid
-- $2 is_ok bool
-- $3 sip int8
-- $4 reason text
-- $5 latency_ms int8
-- $6 state text
UPDATE trunk_test SET answered_at = now(), is_ok = $2, sip = $3, reason = $4, latency_ms = $5,
	state = $6
WHERE id = $1 AND answered_at IS NULL
