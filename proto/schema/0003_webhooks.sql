-- What integrators do with their webhooks.

-- A finished delivery that was sent once more: the delivery that did it. Of an event's generations
-- at an endpoint only the newest has none, and only that one can be replayed; so two replays that
-- meet, and a replay that is asked for again, send nothing twice.
ALTER TABLE delivery_done ADD COLUMN replayed_as uuid;

-- Fails the whole transaction (BF010) unless what was read before still stands: whoever asked reads
-- again.
CREATE FUNCTION expect(ok bool) RETURNS bool LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	IF ok IS NOT TRUE THEN
		RAISE EXCEPTION 'what was read before has changed' USING ERRCODE = 'BF010';
	END IF;
	RETURN true;
END
$$;
