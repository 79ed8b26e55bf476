-- The next block of an uploaded file becomes targets; a number that the campaign has already is left
-- alone. Without a block the import is completed; where the campaign has ended meanwhile, it fails.
-- Run it under api_campaign_lock_append. No row: the import is not the caller's any more.
-- $1 workspace_id uuid
-- $2 import_id uuid
-- $3 owner uuid
-- rows: status text, inserted int8, is_active bool
WITH job AS (
	SELECT i.id, i.campaign_id FROM import i
	WHERE i.workspace_id = $1 AND i.id = $2 AND i.owner = $3 AND i.status = 'running'
		AND i.uploaded_at IS NOT NULL
	FOR UPDATE OF i
), camp AS (
	SELECT c.id, c.status, c.status IN ('draft', 'active', 'paused') AS takes, k.next_position
	FROM job
	JOIN campaign c ON c.workspace_id = $1 AND c.id = job.campaign_id
	JOIN campaign_count k ON k.workspace_id = $1 AND k.campaign_id = c.id
), block AS (
	SELECT b.n, b.to_numbers, b.names, b.external_ids, b.timezones, b.variables
	FROM job JOIN camp ON camp.takes
	JOIN import_block b ON b.workspace_id = $1 AND b.import_id = job.id
	ORDER BY b.n LIMIT 1
), given AS (
	SELECT u.to_number, u.name, u.external_id, u.timezone, u.variables, u.ord
	FROM block b, unnest(b.to_numbers, b.names, b.external_ids, b.timezones, b.variables)
		WITH ORDINALITY AS u (to_number, name, external_id, timezone, variables, ord)
), inserted AS (
	INSERT INTO target (workspace_id, id, campaign_id, position, to_number, name, external_id,
		timezone, variables)
	SELECT $1, uuid7(now(), g.ord), camp.id, camp.next_position + g.ord - 1, g.to_number, g.name,
		g.external_id, g.timezone, g.variables
	FROM camp CROSS JOIN given g ORDER BY g.ord
	ON CONFLICT (campaign_id, to_number) DO NOTHING
	RETURNING 1
), tally AS (
	SELECT (SELECT count(*) FROM inserted) AS inserted, (SELECT count(*) FROM given) AS given
), counted AS (
	UPDATE campaign_count k SET total = k.total + t.inserted, pending = k.pending + t.inserted,
		next_position = k.next_position + t.given
	FROM tally t, camp
	WHERE k.workspace_id = $1 AND k.campaign_id = camp.id AND t.given > 0
), dropped AS (
	DELETE FROM import_block b USING job, camp
	WHERE b.workspace_id = $1 AND b.import_id = job.id
		AND (NOT camp.takes OR b.n = (SELECT n FROM block))
), moved AS (
	UPDATE import i SET inserted = i.inserted + t.inserted,
		deduped = i.deduped + t.given - t.inserted, updated_at = now(),
		status = CASE WHEN NOT camp.takes THEN 'failed' WHEN t.given = 0 THEN 'completed'
			ELSE 'running' END,
		reason = CASE WHEN NOT camp.takes THEN 'campaign_' || camp.status END,
		completed_at = CASE WHEN NOT camp.takes OR t.given = 0 THEN now() END
	FROM job, camp, tally t
	WHERE i.workspace_id = $1 AND i.id = job.id
	RETURNING i.status, t.inserted, camp.status = 'active' AS is_active
)
SELECT status, inserted, is_active FROM moved
