-- Changes those limits of a workspace that are given; NULL for none.
-- $1 workspace_id uuid
-- $2 set_calls_per_minute bool
-- $3 calls_per_minute int4
-- $4 set_max_concurrent bool
-- $5 max_concurrent int4
-- $6 set_requests_per_minute bool
-- $7 requests_per_minute int4
-- $8 set_credit bool
-- $9 credit_s int8
-- $10 set_billing_increment bool
-- $11 billing_increment_s int4
UPDATE workspace SET
	calls_per_minute = CASE WHEN $2 THEN $3 ELSE calls_per_minute END,
	max_concurrent = CASE WHEN $4 THEN $5 ELSE max_concurrent END,
	requests_per_minute = CASE WHEN $6 THEN $7 ELSE requests_per_minute END,
	credit_s = CASE WHEN $8 THEN $9 ELSE credit_s END,
	billing_increment_s = CASE WHEN $10 THEN $11 ELSE billing_increment_s END,
	updated_at = now()
WHERE id = $1
