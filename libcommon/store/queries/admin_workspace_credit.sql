-- Adds seconds of conversation to a workspace; one without a limit gets its first.
-- $1 workspace_id uuid
-- $2 add_s int8
-- rows: credit_s int8
UPDATE workspace SET credit_s = coalesce(credit_s, 0) + $2, updated_at = now()
WHERE id = $1
RETURNING credit_s
