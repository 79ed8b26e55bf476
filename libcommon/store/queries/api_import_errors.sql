-- The next errors of an import's rows.
-- $1 workspace_id uuid
-- $2 import_id uuid
-- $3 after int8
-- rows: n int8, lines text
SELECT e.n, e.lines FROM import_error e
WHERE e.workspace_id = $1 AND e.import_id = $2 AND e.n > $3
ORDER BY e.n LIMIT 1
