-- The end of a sender that holds nothing any more.
-- $1 sender_id uuid
DELETE FROM webhook_sender WHERE id = $1
