-- The incarnations whose lease runs and whose slot has no newer one: consumers of the due streams
-- that are not among them are dead.
-- rows: id uuid
SELECT d.id FROM dispatcher d
WHERE d.lease_until >= now() AND NOT EXISTS (
	SELECT FROM dispatcher n WHERE n.host = d.host AND n.slot = d.slot AND n.started_at > d.started_at)
