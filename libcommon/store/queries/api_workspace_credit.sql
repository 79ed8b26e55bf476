-- Adds seconds of conversation to the workspace of the key; one without a limit gets its first. The
-- answer is kept under the idempotency key, if there is one.
-- $1 workspace_id uuid
-- $2 add_s int8
-- $3 key text
-- $4 request_hash bytea
-- rows: credit_s int8
WITH changed AS (
	UPDATE workspace SET credit_s = coalesce(credit_s, 0) + $2, updated_at = now()
	WHERE id = $1
	RETURNING credit_s
), kept AS (
	INSERT INTO idempotency (workspace_id, key, request_hash, status, body)
	SELECT $1, $3, $4, 200,
		convert_to('{"added_s":' || $2 || ',"credit_s":' || credit_s || '}', 'UTF8')
	FROM changed WHERE $3 IS NOT NULL
)
SELECT credit_s FROM changed
