-- Strikes off the senders whose lease has run out, when the asker may judge that.
-- $1 may_judge bool
DELETE FROM webhook_sender WHERE $1 AND lease_until < clock_timestamp()
