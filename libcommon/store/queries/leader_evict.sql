-- Ends the backend of the leader before, which holds the epoch's row in a transaction that does not
-- move (a process stopped in the middle of a unit: no time-out of the server's fires there).
-- $1 name text
-- rows: n int8
SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) FROM leader l
JOIN pg_stat_activity a ON a.pid = l.backend_pid AND a.backend_start = l.backend_start
WHERE l.name = $1 AND a.pid <> pg_backend_pid()
