-- Renews the lease of an incarnation that still has it, and tells which dialers it has up. No row: it lapsed, or another incarnation
-- of the slot began; the process starts over as a new one.
-- $1 id uuid
-- $2 lease_ms int8
-- $3 dialers text[]
-- rows: lease_until timestamptz
UPDATE dispatcher d SET lease_until = now() + $2 * interval '1 millisecond', dialers = $3
WHERE d.id = $1 AND d.lease_until >= now() AND NOT EXISTS (
	SELECT FROM dispatcher n WHERE n.host = d.host AND n.slot = d.slot AND n.started_at > d.started_at)
RETURNING d.lease_until
