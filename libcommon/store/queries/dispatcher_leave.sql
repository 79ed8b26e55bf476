-- An incarnation ends by itself: its lease lapses now, so that what it leaves open is adopted.
-- $1 id uuid
UPDATE dispatcher SET lease_until = now() - interval '1 millisecond' WHERE id = $1
