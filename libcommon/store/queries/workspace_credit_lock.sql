-- Locks the credit of a batch's workspaces, in order, where it is limited: for a unit that publishes
-- before attempt_ended takes from it.
-- $1 workspace_ids uuid[]
-- rows: n int8
SELECT count(*) FROM (
	SELECT 1 FROM workspace WHERE id = ANY ($1) AND credit_s IS NOT NULL
	ORDER BY id FOR NO KEY UPDATE
) locked
