-- Locks campaigns against appends and each other's completion, without stopping claims. Its own
-- statement, so that the next one counts what was committed before.
-- $1 campaign_ids uuid[]
-- rows: n int8
SELECT count(*) FROM (
	SELECT 1 FROM campaign WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE
) locked
