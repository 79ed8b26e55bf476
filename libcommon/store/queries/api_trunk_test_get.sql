-- How a test of a trunk stands.
-- $1 workspace_id uuid
-- $2 test_id uuid
-- rows: trunk_id uuid, taken_at timestamptz, answered_at timestamptz, is_ok bool, sip int8,
--   reason text, latency_ms int8, state text
SELECT trunk_id, taken_at, answered_at, coalesce(is_ok, false), sip::int8, reason, latency_ms, state
FROM trunk_test
WHERE workspace_id = $1 AND id = $2
