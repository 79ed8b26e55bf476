-- The senders that live, oldest first.
-- rows: id uuid, is_draining bool
SELECT id, is_draining FROM webhook_sender ORDER BY id LIMIT 1000
