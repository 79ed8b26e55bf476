-- Puts numbers on the workspace's list; those that are there already, and repeated ones, are left
-- alone. In the order of the numbers, so that two imports do not wait for each other. The answer is
-- kept under the idempotency key, if there is one: $5, the number of inserted rows, $6, the number
-- of those given but not inserted, $7.
-- $1 workspace_id uuid
-- $2 ids uuid[]
-- $3 to_numbers text[]
-- $4 reasons text[]
-- $5 body_head text
-- $6 body_mid text
-- $7 body_tail text
-- $8 key text
-- $9 request_hash bytea
-- rows: inserted int8
WITH given AS (
	SELECT u.id, u.to_number, u.reason, u.n
	FROM unnest($2::uuid[], $3::text[], $4::text[]) WITH ORDINALITY AS u (id, to_number, reason, n)
), inserted AS (
	INSERT INTO suppression (workspace_id, id, to_number, reason)
	SELECT $1, g.id, g.to_number, g.reason FROM given g ORDER BY g.to_number, g.n
	ON CONFLICT (workspace_id, to_number) DO NOTHING
	RETURNING 1
), counted AS (
	SELECT count(*) AS n FROM inserted
), kept AS (
	INSERT INTO idempotency (workspace_id, key, request_hash, status, body)
	SELECT $1, $8, $9, 200, convert_to($5 || c.n || $6
		|| ((SELECT count(*) FROM given) - c.n) || $7, 'UTF8')
	FROM counted c WHERE $8 IS NOT NULL
)
SELECT n FROM counted
