-- A new number on a trunk of its workspace; nothing when there is no such trunk.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 e164 text
-- $4 trunk_id uuid
-- $5 calls_per_minute int4
-- $6 max_concurrent int4
INSERT INTO number (workspace_id, id, e164, trunk_id, calls_per_minute, max_concurrent)
SELECT t.workspace_id, $2, $3, t.id, $5, $6 FROM trunk t
WHERE t.workspace_id = $1 AND t.id = $4 AND t.deleted_at IS NULL
