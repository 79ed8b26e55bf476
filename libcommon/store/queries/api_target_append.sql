-- Appends targets in their order; a number that the campaign has already is left alone. The answer
-- is kept under the idempotency key, if there is one: $10, the number of inserted rows, $11, the
-- number of those given but not inserted, $12.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 ids uuid[]
-- $4 to_numbers text[]
-- $5 names text[]
-- $6 external_ids text[]
-- $7 timezones text[]
-- $8 variables jsonb[]
-- $9 dupes int8
-- $10 body_head text
-- $11 body_mid text
-- $12 body_tail text
-- $13 key text
-- $14 request_hash bytea
-- rows: inserted int8
WITH camp AS (
	SELECT c.id, k.next_position FROM campaign c
	JOIN campaign_count k ON k.workspace_id = c.workspace_id AND k.campaign_id = c.id
	WHERE c.workspace_id = $1 AND c.id = $2 AND c.kind = 'bulk'
		AND c.status IN ('draft', 'active', 'paused')
), given AS (
	SELECT u.id, u.to_number, u.name, u.external_id, u.timezone, u.variables, u.n
	FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[])
		WITH ORDINALITY AS u (id, to_number, name, external_id, timezone, variables, n)
), inserted AS (
	INSERT INTO target (workspace_id, id, campaign_id, position, to_number, name, external_id,
		timezone, variables)
	SELECT $1, g.id, camp.id, camp.next_position + g.n - 1, g.to_number, g.name, g.external_id,
		g.timezone, g.variables
	FROM camp CROSS JOIN given g ORDER BY g.n
	ON CONFLICT (campaign_id, to_number) DO NOTHING
	RETURNING 1
), counted AS (
	UPDATE campaign_count k SET total = k.total + x.n, pending = k.pending + x.n,
		next_position = k.next_position + (SELECT count(*) FROM given)
	FROM (SELECT count(*) AS n FROM inserted) x, camp
	WHERE k.workspace_id = $1 AND k.campaign_id = camp.id
	RETURNING x.n
), kept AS (
	INSERT INTO idempotency (workspace_id, key, request_hash, status, body)
	SELECT $1, $13, $14, 200, convert_to($10 || c.n || $11
		|| ((SELECT count(*) FROM given) - c.n + $9) || $12, 'UTF8')
	FROM counted c WHERE $13 IS NOT NULL
)
SELECT n FROM counted
