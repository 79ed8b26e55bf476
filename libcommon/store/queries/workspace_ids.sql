-- All workspaces, in the order of their ids, after the given one (NULL: from the first).
-- $1 after_id uuid
-- $2 most int8
-- rows: id uuid
SELECT id FROM workspace WHERE id > coalesce($1, '00000000-0000-0000-0000-000000000000') ORDER BY id LIMIT $2
