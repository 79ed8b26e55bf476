-- Changes the workspace of the key: each value where its flag is set.
-- $1 workspace_id uuid
-- $2 sets_name bool
-- $3 name text
-- $4 sets_timezone bool
-- $5 timezone text
-- $6 sets_rate bool
-- $7 calls_per_minute int4
-- $8 sets_concurrent bool
-- $9 max_concurrent int4
-- $10 sets_requests bool
-- $11 requests_per_minute int4
-- $12 sets_increment bool
-- $13 billing_increment_s int4
UPDATE workspace SET
	name = CASE WHEN $2 THEN $3 ELSE name END,
	timezone = CASE WHEN $4 THEN $5 ELSE timezone END,
	calls_per_minute = CASE WHEN $6 THEN $7 ELSE calls_per_minute END,
	max_concurrent = CASE WHEN $8 THEN $9 ELSE max_concurrent END,
	requests_per_minute = CASE WHEN $10 THEN $11 ELSE requests_per_minute END,
	billing_increment_s = CASE WHEN $12 THEN $13 ELSE billing_increment_s END,
	updated_at = now()
WHERE id = $1
