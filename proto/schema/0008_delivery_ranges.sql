-- What is owed to an endpoint costs one row for a batch of events, not one for each: publish() notes
-- the range of sequences and what the endpoint subscribed to at that moment. An endpoint belongs to
-- one sender at a time, sequences rise in the order of commits, and the sender keeps its place among
-- them in memory; so what it has in hand needs no row. `delivery` holds what a range cannot say: tests,
-- replays, and what was tried and waits for its next attempt (and rows written before this).

-- Owed: the events from from_sequence to to_sequence, both owed themselves, whose type is among
-- `events`, but for those that stand in delivery or delivery_done already. Ranges of an endpoint
-- never overlap. A range is deleted when nothing of it is left.
CREATE TABLE delivery_range (
	workspace_id uuid NOT NULL,
	endpoint_id uuid NOT NULL,
	from_sequence bigint NOT NULL,
	to_sequence bigint NOT NULL,
	events text[] NOT NULL, -- the endpoint's, when the events were committed
	created_at timestamptz NOT NULL, -- whole milliseconds; never falls from one range to the next
	PRIMARY KEY (workspace_id, endpoint_id, to_sequence)
);

-- The created_at of the workspace's latest ranges, so that it rises with the sequences even where
-- transactions overtake each other or the clock is set back.
ALTER TABLE workspace_sequence ADD COLUMN owed_at timestamptz;

-- The id of the delivery of an event that a range owes, the same whoever asks: a UUIDv7 with the
-- range's milliseconds, the lowest 30 bits of the sequence, and the last 44 of the endpoint's id (which
-- are random). So the ids of an endpoint sort by sequence, what was recorded twice meets itself, and
-- from an id the one event is found that it can mean.
--
-- In two parts: what is the same for a whole range, and what is each one's own, which runs for every
-- delivery. (STABLE and IMMUTABLE as they are, the planner takes both into the statement.)
CREATE FUNCTION delivery_id(head text, sequence bigint, tail text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT ($1 || to_hex(1879080960 | (($2 >> 18 & 4095) << 16) | ($2 >> 4 & 16383)) || to_hex($2 & 15)
		|| $3)::uuid
$$;
CREATE FUNCTION delivery_id_head(created_at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT lpad(to_hex((extract(epoch FROM $1) * 1000)::bigint), 12, '0')
$$;
CREATE FUNCTION delivery_id_tail(endpoint_id uuid) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT right($1::text, 11)
$$;
CREATE FUNCTION delivery_id(created_at timestamptz, sequence bigint, endpoint_id uuid) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT delivery_id(delivery_id_head($1), $2, delivery_id_tail($3))
$$;

-- Whether something is known of a delivery beyond its range: it ended, or was tried. Scalar subqueries,
-- because the planner would hash a whole endpoint's log for an EXISTS. (What runs for every delivery
-- below spells it out: a function with subqueries is not taken into the statement.)
CREATE FUNCTION is_recorded(workspace uuid, endpoint uuid, delivery uuid) RETURNS bool
LANGUAGE sql STABLE AS $$
	SELECT (SELECT true FROM delivery_done d WHERE d.workspace_id = $1 AND d.endpoint_id = $2
			AND d.id = $3) IS NOT NULL
		OR (SELECT true FROM delivery d WHERE d.workspace_id = $1 AND d.endpoint_id = $2
			AND d.id = $3) IS NOT NULL
$$;

-- What ranges owe, event by event: for people and tests. The statements of the services take the
-- functions below, which read no more than they need.
CREATE VIEW delivery_owed AS
SELECT r.workspace_id, r.endpoint_id, delivery_id(r.created_at, e.sequence, r.endpoint_id) AS id,
	e.sequence, e.type AS event_type, r.created_at
FROM delivery_range r
JOIN event e ON e.workspace_id = r.workspace_id
	AND e.sequence BETWEEN r.from_sequence AND r.to_sequence
WHERE r.events && ARRAY['*', e.type] AND NOT is_recorded(r.workspace_id, r.endpoint_id,
	delivery_id(r.created_at, e.sequence, r.endpoint_id));

-- The next events of an endpoint's ranges after a sequence, oldest first, up to `room` of them; of
-- those up to `check_upto` only what is not recorded. A row without a sequence says that a range has
-- nothing more after the rows before; with `more`, that enough was read for once. Ranges younger than
-- the first delay wait, and those after them.
CREATE FUNCTION owed_events(workspace uuid, endpoint uuid, after bigint, check_upto bigint,
	room bigint, first_delay_us bigint)
RETURNS TABLE (to_sequence bigint, created_at timestamptz, delivery_id uuid, more bool, sequence bigint,
	event_id uuid, type text, at timestamptz, campaign_id uuid, campaign_kind text,
	call_id uuid, target_id uuid, agent_id uuid, conversation_id uuid, to_number text,
	from_number text, external_id text, variables jsonb, call_created_at timestamptz,
	scheduled_at timestamptz, next_attempt_at timestamptz, status text, outcome text,
	attempt_number smallint, attempt_outcome text, sip_code smallint, started_at timestamptz,
	ended_at timestamptz, duration_ms bigint, billed_s bigint, end_reason text, data text)
LANGUAGE plpgsql STABLE ROWS 100
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
	r record;
	n bigint;
	room_left bigint := room;
	looked bigint := 0;
	head text;
	tail text := delivery_id_tail(endpoint);
BEGIN
	FOR r IN SELECT d.from_sequence, d.to_sequence, d.events, d.created_at FROM delivery_range d
		WHERE d.workspace_id = workspace AND d.endpoint_id = endpoint AND d.to_sequence > after
		AND d.created_at <= now() - first_delay_us * interval '1 microsecond'
		ORDER BY d.to_sequence
	LOOP
		head := delivery_id_head(r.created_at);
		RETURN QUERY SELECT r.to_sequence, r.created_at, delivery_id(head, e.sequence, tail), false,
			e.sequence, e.id, e.type, e.at, e.campaign_id, e.campaign_kind, e.call_id, e.target_id,
			e.agent_id, e.conversation_id, e.to_number, e.from_number, e.external_id,
			e.variables, e.call_created_at, e.scheduled_at, e.next_attempt_at, e.status,
			e.outcome, e.attempt_number, e.attempt_outcome, e.sip_code, e.started_at,
			e.ended_at, e.duration_ms, e.billed_s, e.end_reason, e.data
		FROM event e
		WHERE e.workspace_id = workspace AND e.sequence > after
		AND e.sequence BETWEEN r.from_sequence AND r.to_sequence
		AND r.events && ARRAY['*', e.type]
		AND (e.sequence > check_upto OR (
			(SELECT true FROM delivery_done d WHERE d.workspace_id = workspace
				AND d.endpoint_id = endpoint
				AND d.id = delivery_id(head, e.sequence, tail)) IS NULL
			AND (SELECT true FROM delivery d WHERE d.workspace_id = workspace
				AND d.endpoint_id = endpoint
				AND d.id = delivery_id(head, e.sequence, tail)) IS NULL))
		ORDER BY e.sequence LIMIT room_left;
		GET DIAGNOSTICS n = ROW_COUNT;
		room_left := room_left - n;
		EXIT WHEN room_left = 0;
		looked := looked + r.to_sequence - greatest(r.from_sequence, after + 1) + 1;
		to_sequence := r.to_sequence;
		created_at := r.created_at;
		delivery_id := NULL;
		more := looked >= 10000;
		RETURN NEXT;
		EXIT WHEN looked >= 10000;
	END LOOP;
END
$$;

-- Makes dead letters of what an endpoint's ranges owe, from the oldest range on, until `most` were made.
-- The caller has locked the endpoint. Answers how many, counting each range as one more.
CREATE FUNCTION bury_owed(workspace uuid, endpoint uuid, why text, most bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
	r record;
	n bigint;
	total bigint := 0;
BEGIN
	FOR r IN SELECT d.from_sequence, d.to_sequence, d.events, d.created_at FROM delivery_range d
		WHERE d.workspace_id = workspace AND d.endpoint_id = endpoint ORDER BY d.to_sequence
	LOOP
		INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type, generation,
			created_at, ended_at, status, reason, attempts)
		SELECT workspace, endpoint, delivery_id(r.created_at, e.sequence, endpoint), e.sequence,
			e.type, 1, r.created_at, now(), 'dead_letter', why, 0
		FROM event e
		WHERE e.workspace_id = workspace AND e.sequence BETWEEN r.from_sequence AND r.to_sequence
		AND r.events && ARRAY['*', e.type] AND NOT is_recorded(workspace, endpoint,
			delivery_id(r.created_at, e.sequence, endpoint))
		ORDER BY e.sequence ON CONFLICT DO NOTHING;
		GET DIAGNOSTICS n = ROW_COUNT;
		DELETE FROM delivery_range d WHERE d.workspace_id = workspace AND d.endpoint_id = endpoint
			AND d.to_sequence = r.to_sequence;
		total := total + n + 1;
		EXIT WHEN total >= most;
	END LOOP;
	RETURN total;
END
$$;

-- A page of what an endpoint's ranges owe: those whose delivery's id is before the given one, newest
-- first. Where the page begins among the ranges is found by halves, since created_at rises with the
-- sequences; so a page costs the same wherever it stands in a backlog of any size.
CREATE FUNCTION owed_page(workspace uuid, endpoint uuid, before uuid, most bigint)
RETURNS TABLE (delivery_id uuid, sequence bigint, event_type text, created_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 100
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
	ms bigint := ('x' || replace(left(before::text, 13), '-', ''))::bit(48)::bigint;
	low bigint := 0; -- ranges that end up to here are old enough
	high bigint; -- those from here on are too young
	mid bigint;
	n bigint;
	room_left bigint := most;
	r record;
	head text;
	tail text := delivery_id_tail(endpoint);
BEGIN
	SELECT max(d.to_sequence) + 1 INTO high FROM delivery_range d
	WHERE d.workspace_id = workspace AND d.endpoint_id = endpoint;
	mid := high - 1; -- most pages are the first
	WHILE high - low > 1 LOOP
		SELECT d.to_sequence AS upto, (extract(epoch FROM d.created_at) * 1000)::bigint AS at
		INTO r FROM delivery_range d
		WHERE d.workspace_id = workspace AND d.endpoint_id = endpoint AND d.to_sequence >= mid
		ORDER BY d.to_sequence LIMIT 1;
		IF r.upto < high AND r.at <= ms THEN
			low := r.upto;
		ELSE
			high := mid;
		END IF;
		mid := low + (high - low) / 2;
	END LOOP;
	FOR r IN SELECT d.from_sequence, d.to_sequence, d.events, d.created_at FROM delivery_range d
		WHERE d.workspace_id = workspace AND d.endpoint_id = endpoint AND d.to_sequence <= low
		ORDER BY d.to_sequence DESC
	LOOP
		head := delivery_id_head(r.created_at);
		RETURN QUERY SELECT delivery_id(head, e.sequence, tail), e.sequence, e.type, r.created_at
		FROM event e
		WHERE e.workspace_id = workspace AND e.sequence BETWEEN r.from_sequence AND r.to_sequence
		AND r.events && ARRAY['*', e.type] AND delivery_id(head, e.sequence, tail) < before
		AND (SELECT true FROM delivery_done d WHERE d.workspace_id = workspace
			AND d.endpoint_id = endpoint
			AND d.id = delivery_id(head, e.sequence, tail)) IS NULL
		AND (SELECT true FROM delivery d WHERE d.workspace_id = workspace
			AND d.endpoint_id = endpoint
			AND d.id = delivery_id(head, e.sequence, tail)) IS NULL
		ORDER BY e.sequence DESC LIMIT room_left;
		GET DIAGNOSTICS n = ROW_COUNT;
		room_left := room_left - n;
		EXIT WHEN room_left = 0;
	END LOOP;
END
$$;

-- The owed delivery of that id, if there is one: the id says which sequence it can be, and of which
-- endpoint.
CREATE FUNCTION owed_one(workspace uuid, delivery uuid)
RETURNS TABLE (endpoint_id uuid, sequence bigint, event_type text, created_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
	bits bit(128) := ('x' || replace(delivery::text, '-', ''))::bit(128);
	low bigint := (substring(bits FROM 53 FOR 12) || substring(bits FROM 67 FOR 18))::bit(30)::bigint;
	last bigint;
BEGIN
	SELECT s.last_sequence INTO last FROM workspace_sequence s WHERE s.workspace_id = workspace;
	WHILE low <= last LOOP
		RETURN QUERY SELECT r.endpoint_id, e.sequence, e.type, r.created_at
		FROM webhook_endpoint w
		CROSS JOIN LATERAL (
			SELECT d.* FROM delivery_range d
			WHERE d.workspace_id = workspace AND d.endpoint_id = w.id AND d.to_sequence >= low
			ORDER BY d.to_sequence LIMIT 1) r
		JOIN event e ON e.workspace_id = workspace AND e.sequence = low
		WHERE w.workspace_id = workspace AND right(w.id::text, 11) = right(delivery::text, 11)
		AND r.from_sequence <= low AND r.events && ARRAY['*', e.type]
		AND delivery_id(r.created_at, low, w.id) = delivery
		AND NOT is_recorded(workspace, w.id, delivery);
		low := low + 1073741824;
	END LOOP;
END
$$;

-- Writes events and the ranges of them that are owed, and takes the workspace's sequence for all of
-- them at once, in the order of the array. Call it last in a transaction: the sequence's row stays
-- locked until the commit, which is what makes the order of sequences the order of commits.
-- scheduled_call.created is only written where somebody subscribes to it: that is decided once, for an
-- endpoint that was made between two looks would give two events one sequence. And the sequence is
-- taken only for events that are written, or each ad hoc call of a workspace without webhooks would
-- wait for the commit of the one before.
-- Answers the number of deliveries owed, so that the caller knows whether to wake a sender.
CREATE OR REPLACE FUNCTION publish(p publishable[]) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	n_deliveries bigint := 0;
	n_one bigint;
	n_events bigint;
	created_is_wanted bool;
	w record;
	base bigint;
	owed_at timestamptz;
BEGIN
	IF p IS NULL THEN
		RETURN 0;
	END IF;
	FOR w IN SELECT x.workspace_id AS id, count(*) AS n,
		count(*) FILTER (WHERE x.type = 'scheduled_call.created') AS n_created FROM unnest(p) x
		GROUP BY x.workspace_id ORDER BY x.workspace_id
	LOOP
		created_is_wanted := EXISTS (SELECT FROM webhook_endpoint e WHERE e.workspace_id = w.id
			AND e.status = 'enabled' AND e.deleted_at IS NULL
			AND e.events && ARRAY['*', 'scheduled_call.created']);
		n_events := CASE WHEN created_is_wanted THEN w.n ELSE w.n - w.n_created END;
		CONTINUE WHEN n_events = 0;
		UPDATE workspace_sequence s SET last_sequence = s.last_sequence + n_events,
			owed_at = greatest(s.owed_at, date_trunc('milliseconds', clock_timestamp()))
		WHERE s.workspace_id = w.id RETURNING s.last_sequence, s.owed_at INTO base, owed_at;

		WITH kept AS (
			SELECT x.*, row_number() OVER (ORDER BY x.ord) AS rn, count(*) OVER () AS n
			FROM unnest(p) WITH ORDINALITY AS x(type, workspace_id, at, campaign_kind, call,
				attempt_number, attempt_outcome, sip_code, conversation_id,
				started_at, ended_at, duration_ms, billed_s, end_reason,
				campaign_id, data, ord)
			WHERE x.workspace_id = w.id
			AND (created_is_wanted OR x.type <> 'scheduled_call.created')
		), ev AS (
			INSERT INTO event (workspace_id, sequence, id, type, at, campaign_id,
				campaign_kind, call_id, target_id, agent_id, conversation_id, to_number,
				from_number, external_id, variables, call_created_at, scheduled_at,
				next_attempt_at, status, outcome, attempt_number, attempt_outcome,
				sip_code, started_at, ended_at, duration_ms, billed_s, end_reason, data)
			SELECT k.workspace_id, base - k.n + k.rn, uuid7(k.at, k.rn), k.type, k.at,
				coalesce(k.campaign_id, (k.call).campaign_id), k.campaign_kind,
				(k.call).id, (k.call).target_id, (k.call).agent_id,
				coalesce(k.conversation_id, (k.call).conversation_id),
				(k.call).to_number, (k.call).from_number, (k.call).external_id,
				(k.call).variables, (k.call).created_at, (k.call).scheduled_at,
				CASE WHEN (k.call).status = 'scheduled'
					THEN coalesce((k.call).due_at, (k.call).scheduled_at) END,
				(k.call).status, (k.call).outcome, k.attempt_number,
				k.attempt_outcome, k.sip_code, k.started_at, k.ended_at, k.duration_ms,
				k.billed_s, k.end_reason, k.data
			FROM kept k ORDER BY k.rn
			RETURNING sequence, type
		), types AS (
			SELECT ev.type, count(*) AS n, min(ev.sequence) AS lo, max(ev.sequence) AS hi
			FROM ev GROUP BY ev.type
		), owners AS (
			SELECT e.id, e.events, sum(t.n) AS n, min(t.lo) AS lo, max(t.hi) AS hi
			FROM types t JOIN webhook_endpoint e ON e.workspace_id = w.id
				AND e.status = 'enabled' AND e.deleted_at IS NULL
				AND e.events && ARRAY['*', t.type]
			GROUP BY e.workspace_id, e.id
		), made AS (
			INSERT INTO delivery_range (workspace_id, endpoint_id, from_sequence,
				to_sequence, events, created_at)
			SELECT w.id, o.id, o.lo, o.hi, o.events, owed_at FROM owners o ORDER BY o.id
		)
		SELECT coalesce(sum(o.n), 0) INTO n_one FROM owners o;
		n_deliveries := n_deliveries + n_one;
	END LOOP;
	RETURN n_deliveries;
END
$$;
