-- Renews a sender's lease. No row: another has judged it dead and may have taken what it held.
-- $1 sender_id uuid
-- $2 lease_us int8
-- $3 is_draining bool
-- rows: id uuid
UPDATE webhook_sender
SET lease_until = clock_timestamp() + $2 * interval '1 microsecond', is_draining = $3
WHERE id = $1
RETURNING id
