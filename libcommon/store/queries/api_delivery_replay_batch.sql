-- One batch of a replay: of the finished deliveries after the one looked at last (NULL: from the
-- first), those of the span, the types (none: all) and the status that were not replayed yet go out
-- once more, as long as their events are there and the endpoint is enabled. Called again with last_id
-- while `seen` is full. The time in an id is up to sequence / 4096 ms late (uuid7), never early.
-- $1 workspace_id uuid
-- $2 endpoint_id uuid
-- $3 after_id uuid
-- $4 since timestamptz
-- $5 before timestamptz
-- $6 types text[]
-- $7 status text
-- $8 most int8
-- rows: seen int8, last_id uuid, replayed int8
WITH looked AS (
	SELECT d.id, d.sequence, d.event_type, d.generation, d.created_at, d.status
	FROM delivery_done d
	WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id >= uuid7_floor($4)
	AND d.id > coalesce($3, '00000000-0000-0000-0000-000000000000')
	AND d.id < uuid7_floor($5 + (SELECT 1 + s.last_sequence / 4096 FROM workspace_sequence s
		WHERE s.workspace_id = $1) * interval '1 millisecond')
	AND d.replayed_as IS NULL
	ORDER BY d.id LIMIT $8 FOR UPDATE SKIP LOCKED
), picked AS (
	SELECT l.id
	FROM looked l
	WHERE l.created_at >= $4 AND l.created_at < $5
	AND (cardinality($6) = 0 OR l.event_type = ANY ($6)) AND ($7 IS NULL OR l.status = $7)
	AND EXISTS (SELECT FROM event e WHERE e.workspace_id = $1 AND e.sequence = l.sequence)
	AND EXISTS (SELECT FROM webhook_endpoint w WHERE w.workspace_id = $1 AND w.id = $2
		AND w.status = 'enabled' AND w.deleted_at IS NULL)
), marked AS (
	-- An array, not a join: without statistics that one compares each picked row with every
	-- delivery of the endpoint.
	UPDATE delivery_done d SET replayed_as = uuid7(now(), d.sequence)
	WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id = ANY (ARRAY(SELECT id FROM picked))
	RETURNING d.replayed_as AS new_id, d.sequence, d.event_type, d.generation
), made AS (
	INSERT INTO delivery (workspace_id, endpoint_id, id, sequence, event_type, generation,
		created_at, due_at)
	SELECT $1, $2, m.new_id, m.sequence, m.event_type, m.generation + 1, now(), now()
	FROM marked m
	RETURNING 1
)
SELECT (SELECT count(*) FROM looked), (SELECT id FROM looked ORDER BY id DESC LIMIT 1),
	count(*) FROM made
