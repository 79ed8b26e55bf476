-- Applies one migration, unless it stands already; admin_migration_function comes before it in the
-- same session.
-- $1 version int4
-- $2 name text
-- $3 sha256 bytea
-- $4 script text
-- $5 wait_ms int4
-- rows: is_new bool
SELECT pg_temp.apply_migration($1, $2, $3, $4, $5) AS is_new
