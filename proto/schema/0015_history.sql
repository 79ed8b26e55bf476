-- History by time, the first of three steps: what is finished (calls, their attempts and conversations;
-- events, deliveries and their attempts) goes into partitions, so that what is old is dropped and not
-- deleted row by row, and what is new is written to indexes that fit into memory, whatever stands behind.
--
-- What stands is kept and not copied: each table becomes the first partition of its successor, up to a
-- day that has not come. For that Postgres must know that it holds nothing younger, and reading a large
-- table under the lock of an ALTER would stop everything; so this step says it without looking (a lock
-- for an instant), 0016 looks without a lock that anybody waits for, and 0017 swaps the tables (again
-- for an instant).

-- The tables, each with the UUIDv7 column whose time its rows are partitioned by.
CREATE TABLE history (
	parent text PRIMARY KEY,
	key text NOT NULL,
	family text NOT NULL CHECK (family IN ('call', 'event')), -- what its retention counts with
	options text NOT NULL DEFAULT '', -- of its partitions
	-- Of events: what was published from here on has its publication's time in its id.
	since timestamptz
);
INSERT INTO history (parent, key, family, options) VALUES
	('scheduled_call_done', 'id', 'call', ''),
	('attempt_done', 'call_id', 'call', ''),
	('conversation', 'id', 'call', 'WITH (fillfactor = 50)'),
	('delivery_done', 'id', 'event', ''),
	('delivery_attempt', 'delivery_id', 'event', ''),
	('event', 'id', 'event', '');

-- Its partitions, each for what is not before from_at (NULL: from the beginning) and before upto_at.
-- Beside them stands PARENT_default, for what belongs to none.
CREATE TABLE history_span (
	parent text NOT NULL REFERENCES history (parent),
	name text NOT NULL UNIQUE,
	from_at timestamptz,
	upto_at timestamptz NOT NULL,
	ended_at timestamptz, -- of calls: the latest end among those that were moved here
	PRIMARY KEY (parent, upto_at)
);

-- Takes ACCESS EXCLUSIVE on some tables for the rest of the transaction, without stopping a running
-- system for longer than half a second at a time, which is less than the deadlock_timeout of anybody
-- who waits the other way round: then all that was got is let go, and it is tried again.
CREATE FUNCTION history_lock(tables text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	tries int := 0;
	was text := current_setting('lock_timeout');
BEGIN
	PERFORM set_config('lock_timeout', '500ms', true);
	LOOP
		BEGIN
			EXECUTE 'LOCK TABLE ONLY ' || array_to_string(tables, ', ONLY ') || ' IN ACCESS EXCLUSIVE MODE';
			EXIT;
		EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
			tries := tries + 1;
			IF tries >= 60 THEN
				RAISE;
			END IF;
		END;
		PERFORM pg_sleep(0.2 + random() * 0.3);
	END LOOP;
	PERFORM set_config('lock_timeout', was, true);
END
$$;

DO $$
DECLARE
	-- Three days leave time to run the next two steps, and clocks to differ.
	cut timestamptz := date_trunc('day', now(), 'UTC') + interval '3 days';
	h record;
	name text;
BEGIN
	PERFORM history_lock(ARRAY['attempt_done', 'conversation', 'delivery_attempt', 'delivery_done', 'event',
		'scheduled_call_done_default']);
	FOR h IN SELECT x.parent, x.key FROM history x LOOP
		name := h.parent || CASE h.parent WHEN 'scheduled_call_done' THEN '_default' ELSE '' END;
		EXECUTE format('ALTER TABLE %I ADD CONSTRAINT history_before CHECK (%I < %L::uuid) NOT VALID',
			name, h.key, uuid7_floor(cut));
		INSERT INTO history_span (parent, name, upto_at) VALUES (h.parent, h.parent || '_before', cut);
	END LOOP;
END
$$;
