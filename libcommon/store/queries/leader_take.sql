-- The winner of the lock takes a new epoch and says which backend it writes from.
-- $1 name text
-- $2 holder uuid
-- rows: epoch int8
UPDATE leader SET epoch = epoch + 1, holder = $2, backend_pid = pg_backend_pid(),
	backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()),
	taken_at = now()
WHERE name = $1
RETURNING epoch
