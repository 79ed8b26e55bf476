-- Changes a number: each value where its flag is set. A trunk that the workspace does not have fails
-- the foreign key.
-- $1 workspace_id uuid
-- $2 number_id uuid
-- $3 sets_trunk bool
-- $4 trunk_id uuid
-- $5 sets_rate bool
-- $6 calls_per_minute int4
-- $7 sets_concurrent bool
-- $8 max_concurrent int4
UPDATE number SET
	trunk_id = CASE WHEN $3 THEN (SELECT coalesce((SELECT t.id FROM trunk t
		WHERE t.workspace_id = $1 AND t.id = $4 AND t.deleted_at IS NULL),
		'00000000-0000-0000-0000-000000000000')) ELSE trunk_id END,
	calls_per_minute = CASE WHEN $5 THEN $6 ELSE calls_per_minute END,
	max_concurrent = CASE WHEN $7 THEN $8 ELSE max_concurrent END,
	updated_at = now()
WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL
