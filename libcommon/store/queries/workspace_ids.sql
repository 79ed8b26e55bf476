-- All workspaces, in the order of their ids.
-- $1 after_id uuid
-- $2 most int8
-- rows: id uuid
SELECT id FROM workspace WHERE id > $1 ORDER BY id LIMIT $2
