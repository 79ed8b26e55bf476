-- A cancelled campaign's targets that are not calls yet become skipped, at most so many in a unit:
-- repeat until `seen` is 0. Run it before campaign_cancel_calls, which publishes.
-- The plan's position moves along, so that no pass reads a row twice.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 most int8
-- rows: seen int8, skipped int8
WITH plan AS (
	SELECT p.position FROM campaign_plan p
	JOIN campaign c ON c.workspace_id = p.workspace_id AND c.id = p.campaign_id
	WHERE p.workspace_id = $1 AND p.campaign_id = $2 AND c.status = 'cancelled'
	FOR UPDATE OF p
), seen AS (
	SELECT t.id, t.position FROM plan
	CROSS JOIN LATERAL pending_targets($2, plan.position, $3) t
), skipped AS (
	UPDATE target t SET status = 'skipped', updated_at = now()
	WHERE t.workspace_id = $1 AND t.id = ANY (ARRAY(SELECT id FROM seen)) AND t.status = 'pending'
	RETURNING 1
), counted AS (
	UPDATE campaign_count k SET pending = k.pending - x.n, skipped = k.skipped + x.n
	FROM (SELECT count(*) AS n FROM skipped) x
	WHERE k.workspace_id = $1 AND k.campaign_id = $2 AND x.n > 0
	RETURNING x.n
), advanced AS (
	UPDATE campaign_plan p SET position = x.last
	FROM (SELECT max(position) AS last FROM seen) x
	WHERE p.workspace_id = $1 AND p.campaign_id = $2 AND x.last IS NOT NULL
	RETURNING 1
)
SELECT (SELECT count(*) FROM seen), coalesce((SELECT n FROM counted), 0)
