-- Targets that a filter means to skip, in their order, from a position on.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 status text
-- $4 outcome text
-- $5 pattern text
-- $6 after int8
-- $7 most int8
-- rows: id uuid, position int8
SELECT t.id, t.position FROM target t
WHERE t.workspace_id = $1 AND t.campaign_id = $2 AND t.position > $6
	AND t.status IN ('pending', 'scheduled')
	AND ($3 IS NULL OR t.status = $3) AND ($4 IS NULL OR t.outcome = $4)
	AND ($5 IS NULL OR t.to_number LIKE $5 OR lower(t.name) LIKE lower($5))
ORDER BY t.position LIMIT $7
