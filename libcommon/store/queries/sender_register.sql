-- Enters a new incarnation of a webhook-sender.
-- $1 sender_id uuid
-- $2 lease_us int8
INSERT INTO webhook_sender (id, lease_until)
VALUES ($1, clock_timestamp() + $2 * interval '1 microsecond')
