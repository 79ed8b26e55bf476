-- Asks for a test of a trunk; fails the unit where there is no such trunk. Tests of two days ago are
-- cleared away.
-- $1 workspace_id uuid
-- $2 trunk_id uuid
-- $3 test_id uuid
-- rows: is_done bool
WITH tested AS (
	SELECT id FROM trunk WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL FOR SHARE
), past AS (
	DELETE FROM trunk_test
	WHERE workspace_id = $1 AND trunk_id = $2 AND asked_at < now() - interval '2 days'
), made AS (
	INSERT INTO trunk_test (workspace_id, id, trunk_id) SELECT $1, $3, id FROM tested
	RETURNING 1
)
SELECT expect(count(*) = 1) FROM made
