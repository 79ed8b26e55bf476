-- Tests of trunks of these dialers that no dispatcher has taken yet: from now on this one has. With the
-- settings, sealed secrets among them, so that what is tested is what stands now.
-- $1 dialers text[]
-- $2 most int8
-- rows: id uuid, trunk_id uuid, dialer text, settings jsonb, secret bytea
WITH waiting AS (
	SELECT x.workspace_id, x.id, t.id AS trunk_id, t.dialer, t.settings, t.secret
	FROM trunk_test x
	JOIN trunk t ON t.workspace_id = x.workspace_id AND t.id = x.trunk_id
	WHERE x.taken_at IS NULL AND x.asked_at > now() - interval '8 s'
		AND t.dialer = ANY ($1::text[]) AND t.deleted_at IS NULL
	ORDER BY x.asked_at LIMIT $2
	FOR UPDATE OF x SKIP LOCKED
), taken AS (
	UPDATE trunk_test x SET taken_at = now() FROM waiting w
	WHERE x.workspace_id = w.workspace_id AND x.id = w.id
)
SELECT id, trunk_id, dialer, settings, secret FROM waiting
