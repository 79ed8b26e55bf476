-- Makes the next partition of a table, if those that stand end sooner than ahead_us from now.
-- $1 epoch int8
-- $2 parent text
-- $3 width_us int8
-- $4 ahead_us int8
-- rows: name text
WITH lead AS (
	SELECT 1 FROM leader WHERE name = 'scheduler' AND epoch = $1 FOR SHARE
)
SELECT history_make($2, $3, $4) FROM lead
