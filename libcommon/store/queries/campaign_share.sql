-- Keeps the campaigns of a batch from being paused or cancelled until the unit has committed:
-- those moves take the row FOR UPDATE. Its own statement, so that the next one sees what they
-- committed before.
-- $1 campaign_ids uuid[]
-- rows: n int8
SELECT count(*) FROM (
	SELECT 1 FROM campaign WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE
) locked
