-- Removes incarnations that lapsed an hour ago and hold nothing.
DELETE FROM dispatcher d WHERE d.lease_until < now() - interval '1 hour'
AND NOT EXISTS (SELECT FROM attempt a WHERE a.dispatcher_id = d.id)
