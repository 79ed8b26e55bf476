-- Sends a finished delivery once more, as a new generation with fresh attempts; fails the unit when
-- somebody else did, the endpoint is not enabled any more, or the event is gone.
-- $1 workspace_id uuid
-- $2 endpoint_id uuid
-- $3 delivery_id uuid
-- $4 new_id uuid
-- rows: is_done bool
WITH source AS (
	UPDATE delivery_done SET replayed_as = $4
	WHERE workspace_id = $1 AND endpoint_id = $2 AND id = $3 AND replayed_as IS NULL
	RETURNING sequence, event_type, generation
), made AS (
	INSERT INTO delivery (workspace_id, endpoint_id, id, sequence, event_type, generation,
		created_at, due_at)
	SELECT w.workspace_id, w.id, $4, s.sequence, s.event_type, s.generation + 1, now(), now()
	FROM source s
	JOIN webhook_endpoint w ON w.workspace_id = $1 AND w.id = $2 AND w.status = 'enabled'
		AND w.deleted_at IS NULL
	-- Read, so that its partition is not dropped before this is committed.
	WHERE EXISTS (SELECT FROM event e WHERE e.workspace_id = $1 AND e.sequence = s.sequence)
	RETURNING 1
)
SELECT expect(count(*) = 1) FROM made
