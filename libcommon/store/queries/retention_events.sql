-- Deletes a workspace's oldest events as far as they are older than a moment, looking at a bounded
-- number of them after the one looked at last. Sequences follow time closely, so a page that holds
-- younger ones is the last.
-- $1 workspace_id uuid
-- $2 after int8
-- $3 older_than timestamptz
-- $4 most int8
-- rows: gone int8, upto int8
WITH looked AS (
	SELECT sequence, at FROM event WHERE workspace_id = $1 AND sequence > $2
	ORDER BY sequence LIMIT $4
), gone AS (
	DELETE FROM event e USING looked l
	WHERE e.workspace_id = $1 AND e.sequence = l.sequence AND l.at < $3
	RETURNING 1
)
SELECT count(*), coalesce((SELECT max(sequence) FROM looked), $2) FROM gone
