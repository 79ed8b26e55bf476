-- How a trunk stands, as a dialer said at an instant. Every dispatcher hears it and writes it: an older
-- word, or the same again, changes nothing.
-- $1 trunk_id uuid
-- $2 state text
-- $3 until timestamptz
-- $4 told_at timestamptz
INSERT INTO trunk_state AS s (workspace_id, trunk_id, state, since, until, told_at)
SELECT t.workspace_id, t.id, $2, $4, $3, $4 FROM trunk t WHERE t.id = $1 AND t.deleted_at IS NULL
ON CONFLICT (workspace_id, trunk_id) DO UPDATE
SET state = excluded.state, until = excluded.until, told_at = excluded.told_at,
	since = CASE WHEN s.state = excluded.state THEN s.since ELSE excluded.since END
WHERE s.told_at < excluded.told_at
