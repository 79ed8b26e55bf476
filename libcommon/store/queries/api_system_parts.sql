-- The parts of the installation that hold leases: dispatchers with the dialers they have up and the
-- attempts in their hands, and webhook-senders with the endpoints they send to.
-- rows: kind text, id uuid, host text, slot int4, dialers text[], started_at timestamptz,
--   lease_until timestamptz, in_hand int8
SELECT 'dispatcher', d.id, d.host, d.slot, d.dialers, d.started_at, d.lease_until,
	(SELECT count(*) FROM attempt a WHERE a.dispatcher_id = d.id)
FROM dispatcher d
UNION ALL
SELECT 'sender', s.id, NULL::text, NULL::int, '{}'::text[], s.started_at, s.lease_until,
	(SELECT count(*) FROM webhook_endpoint e WHERE e.sender_id = s.id)
FROM webhook_sender s
ORDER BY 1, 6
LIMIT 1000
