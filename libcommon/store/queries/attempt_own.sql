-- A page of the open attempts that stand under a dispatcher's name, in the order of their ids, for it to
-- hold against those that it knows. Of the younger ones the news may still be on its way to it.
-- $1 dispatcher_id uuid
-- $2 after uuid
-- $3 claimed_before timestamptz
-- $4 most int8
-- rows: attempt_id uuid
SELECT a.id FROM attempt a
WHERE a.dispatcher_id = $1 AND ($2 IS NULL OR a.id > $2) AND a.claimed_at < $3
ORDER BY a.id
LIMIT $4
