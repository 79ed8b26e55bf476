-- A new incarnation of a dispatcher's slot begins, with a lease.
-- $1 id uuid
-- $2 host text
-- $3 slot int4
-- $4 lease_ms int8
INSERT INTO dispatcher (id, host, slot, lease_until)
VALUES ($1, $2, $3, now() + $4 * interval '1 millisecond')
