-- The incarnations whose lease runs: consumers of the due streams that are not among them are dead.
-- rows: id uuid
SELECT id FROM dispatcher WHERE lease_until >= now()
