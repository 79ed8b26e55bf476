-- The ended attempts of a delivery before its last one, in their order.
-- $1 workspace_id uuid
-- $2 delivery_id uuid
-- rows: number int2, started_at timestamptz, result text, http_status int2, duration_ms int4,
--   excerpt text
SELECT number, started_at, result, http_status, duration_ms, excerpt FROM delivery_attempt
WHERE workspace_id = $1 AND delivery_id = $2
ORDER BY number LIMIT 1000
