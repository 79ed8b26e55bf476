-- Serialises claims within each scope that has a concurrency cap, so that counting open attempts
-- and adding to them is one step. Scopes without a cap are not locked.
-- $1 workspace_ids uuid[]
-- $2 call_ids uuid[]
-- rows: n int8
SELECT count(*) FROM (
	SELECT pg_advisory_xact_lock(k) FROM (
		SELECT DISTINCT hashtextextended(s.scope, 0) AS k
		FROM unnest($1::uuid[], $2::uuid[]) AS a (workspace_id, call_id)
		JOIN scheduled_call c ON c.workspace_id = a.workspace_id AND c.id = a.call_id
		JOIN workspace w ON w.id = c.workspace_id
		JOIN number n ON n.workspace_id = c.workspace_id AND n.id = c.number_id
		LEFT JOIN campaign k ON k.workspace_id = c.workspace_id AND k.id = c.campaign_id
		CROSS JOIN LATERAL (VALUES
			(CASE WHEN k.max_concurrent IS NOT NULL THEN 'c' || k.id END),
			(CASE WHEN w.max_concurrent IS NOT NULL THEN 'w' || w.id END),
			(CASE WHEN n.max_concurrent IS NOT NULL THEN 'n' || n.id END)) AS s (scope)
		WHERE s.scope IS NOT NULL
		ORDER BY k
	) scopes
) locked
