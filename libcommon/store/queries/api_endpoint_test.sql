-- A test event, delivered to one enabled endpoint whatever it subscribed to; fails the unit where
-- there is no such endpoint.
-- $1 workspace_id uuid
-- $2 endpoint_id uuid
-- $3 event_id uuid
-- $4 delivery_id uuid
-- $5 data text
-- rows: is_done bool
WITH tested AS (
	SELECT id FROM webhook_endpoint
	WHERE workspace_id = $1 AND id = $2 AND status = 'enabled' AND deleted_at IS NULL
	FOR SHARE
), taken AS (
	UPDATE workspace_sequence SET last_sequence = last_sequence + 1
	WHERE workspace_id = $1 AND EXISTS (SELECT FROM tested)
	RETURNING last_sequence
), ev AS (
	INSERT INTO event (workspace_id, sequence, id, type, at, data)
	SELECT $1, t.last_sequence, $3, 'webhook_endpoint.test', now(), $5 FROM taken t
	RETURNING sequence
), made AS (
	INSERT INTO delivery (workspace_id, endpoint_id, id, sequence, event_type, created_at, due_at)
	SELECT $1, $2, $4, ev.sequence, 'webhook_endpoint.test', now(), now() FROM ev
	RETURNING 1
)
SELECT expect(count(*) = 1) FROM made
