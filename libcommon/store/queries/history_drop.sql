-- Drops the oldest partition of a table that ended before a moment and that nothing open or owed needs;
-- `kept` are those that something needs.
-- $1 epoch int8
-- $2 parent text
-- $3 older_than timestamptz
-- rows: name text, kept int8, is_busy bool
WITH lead AS (
	SELECT 1 FROM leader WHERE name = 'scheduler' AND epoch = $1 FOR SHARE
)
SELECT d.name, d.kept, d.is_busy FROM lead CROSS JOIN LATERAL history_drop($2, $3) d
