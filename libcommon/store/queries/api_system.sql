-- The installation: who leads, what lives, what waits. Of the whole of it, not of a workspace.
-- rows: at timestamptz, postgres text, schema text, leader_id uuid, leader_epoch int8,
--   leader_at timestamptz, overdue int8, overdue_at timestamptz, open_attempts int8,
--   deliveries int8, delivery_at timestamptz, imports int8, live_campaigns int8
SELECT clock_timestamp(), current_setting('server_version'),
	(SELECT m.name FROM schema_migration m ORDER BY m.version DESC LIMIT 1), l.holder, l.epoch, l.taken_at,
	o.n, o.first_at, (SELECT count(*) FROM attempt), d.n, d.first_at,
	(SELECT count(*) FROM import i WHERE i.status = 'running'),
	(SELECT count(*) FROM campaign k WHERE k.status IN ('active', 'paused'))
FROM leader l
CROSS JOIN LATERAL (SELECT count(*) AS n, min(due_at) AS first_at FROM (
	SELECT c.due_at FROM scheduled_call c
	WHERE c.due_at < clock_timestamp() - interval '1 second' AND c.status = 'scheduled'
	ORDER BY c.due_at LIMIT 10000) x) o
CROSS JOIN LATERAL (SELECT count(*) AS n, min(due_at) AS first_at FROM (
	SELECT e.due_at FROM delivery e LIMIT 10000) x) d
WHERE l.name = 'scheduler'
