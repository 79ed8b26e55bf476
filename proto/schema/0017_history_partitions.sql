-- History by time, the last step: the tables are swapped for partitioned ones, of which each is the first
-- partition (0015 says why in three steps). ACCESS EXCLUSIVE on all of them, for an instant: nothing is
-- read or copied. Names and columns stay, so that the statements of the version before run as they did.
--
-- The partition key is the time in the UUIDv7 that the rows have anyway: no column and no byte more. What
-- their statements look for by id is found in one partition. Events are looked for by sequence: unique in
-- each partition, and over all of them because a sequence is only taken under the lock of its counter.
-- That their ids are of the moment of their publication, that of their range and so of their deliveries'
-- ids, is new: so whoever comes from a delivery knows where to look.

DROP VIEW delivery_owed;

DO $$
DECLARE
	h record;
	g record;
	n_rows bool;
	before text;
BEGIN
	PERFORM history_lock(ARRAY['attempt_done', 'conversation', 'delivery_attempt', 'delivery_done', 'event',
		'scheduled_call_done', 'scheduled_call_done_default']);
	ALTER TABLE scheduled_call_done DETACH PARTITION scheduled_call_done_default;
	ALTER TABLE scheduled_call_done_default RENAME TO scheduled_call_done_before;
	ALTER TABLE scheduled_call_done_before
		RENAME CONSTRAINT scheduled_call_done_default_pkey TO scheduled_call_done_before_pkey;
	FOR h IN SELECT x.parent, x.key, x.options, s.upto_at FROM history x
		JOIN history_span s ON s.parent = x.parent
	LOOP
		before := h.parent || '_before';
		IF h.parent <> 'scheduled_call_done' THEN
			EXECUTE format('ALTER TABLE %I RENAME TO %I', h.parent, before);
			EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT %I TO %I', before, h.parent || '_pkey',
				before || '_pkey');
			EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) '
				'PARTITION BY RANGE (%I)', h.parent, before, h.key);
			EXECUTE format('ALTER TABLE %I DROP CONSTRAINT history_before', h.parent);
			-- The gateway's role may what it might, until belfry-admin gives it its rights anew.
			FOR g IN SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS who,
					a.privilege_type AS what
				FROM pg_class c, aclexplode(c.relacl) a
				WHERE c.oid = before::regclass AND a.grantee <> c.relowner
				UNION ALL
				SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
					a.privilege_type || ' (' || quote_ident(t.attname) || ')'
				FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = before::regclass
			LOOP
				EXECUTE format('GRANT %s ON %I TO %s', g.what, h.parent, g.who);
			END LOOP;
		END IF;
	END LOOP;
	ALTER TABLE attempt_done ADD PRIMARY KEY (workspace_id, call_id, number);
	ALTER TABLE conversation ADD PRIMARY KEY (workspace_id, id);
	ALTER TABLE delivery_done ADD PRIMARY KEY (workspace_id, endpoint_id, id);
	ALTER TABLE delivery_attempt ADD PRIMARY KEY (workspace_id, delivery_id, number);
	FOR h IN SELECT x.parent, x.options, s.upto_at FROM history x
		JOIN history_span s ON s.parent = x.parent
	LOOP
		before := h.parent || '_before';
		EXECUTE format('SELECT EXISTS (SELECT FROM %I)', before) INTO n_rows;
		IF n_rows THEN
			EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)',
				h.parent, before, uuid7_floor(h.upto_at));
			EXECUTE format('ALTER TABLE %I DROP CONSTRAINT history_before', before);
		ELSE
			EXECUTE format('DROP TABLE %I', before);
			DELETE FROM history_span s WHERE s.parent = h.parent;
		END IF;
		EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT %s', h.parent || '_default', h.parent,
			h.options);
	END LOOP;
	ALTER TABLE event_default ADD PRIMARY KEY (workspace_id, sequence);
	-- A transaction that waits for these locks right now publishes by the function of before. Where there
	-- is no workspace yet, nobody has published anything.
	UPDATE history SET since = CASE WHEN EXISTS (SELECT FROM workspace)
		THEN clock_timestamp() + interval '2 minutes' ELSE '-infinity' END WHERE parent = 'event';
END
$$;

-- As in 0001, in one expression, which the planner puts in place of the call: that takes a hundredth of
-- the time that running a function in SQL takes.
CREATE OR REPLACE FUNCTION uuid7_floor(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT encode(substring(int8send((extract(epoch FROM $1 - timestamptz '1970-01-01 00:00:00+00') * 1000)::bigint)
		FROM 3) || '\x70008000000000000000'::bytea, 'hex')::uuid
$$;

-- Where the event of a delivery stands at the earliest: a bound for partitions. A test's event has its id
-- by the clock of its gateway, hence the hour; a replay's event is of any time.
CREATE FUNCTION event_from(created_at timestamptz, generation smallint, since timestamptz) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN $2 = 1 AND $1 >= $3 + interval '1 hour' THEN uuid7_floor($1 - interval '1 hour')
		ELSE '00000000-0000-0000-0000-000000000000'::uuid END
$$;

-- Makes the next partition of a table, if those that stand end less than ahead_us from now, and answers
-- its name. It begins where the last one ends. Where that was missed, rows went to the default
-- partition: they stay there, and it begins with the first span that has none.
-- Attaching takes SHARE UPDATE EXCLUSIVE on the table, for which nobody waits, and ACCESS EXCLUSIVE on
-- the default partition, which is empty or nearly so.
CREATE FUNCTION history_make(table_name text, width_us bigint, ahead_us bigint) RETURNS text
LANGUAGE plpgsql VOLATILE SET lock_timeout = '300ms' AS $$
DECLARE
	width interval := width_us * interval '1 microsecond';
	monday timestamptz := '1970-01-05 00:00:00+00';
	h history;
	last timestamptz;
	start timestamptz := date_bin(width, now(), monday);
	stop timestamptz;
	name text;
	is_taken bool := true;
BEGIN
	SELECT x.* INTO STRICT h FROM history x WHERE x.parent = table_name FOR UPDATE;
	SELECT max(s.upto_at) INTO last FROM history_span s WHERE s.parent = table_name;
	IF last >= now() + ahead_us * interval '1 microsecond' THEN
		RETURN NULL;
	END IF;
	start := greatest(start, last);
	LOOP
		stop := date_bin(width, start, monday) + width;
		EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I >= $1)', h.parent || '_default', h.key)
			INTO is_taken USING uuid7_floor(start);
		EXIT WHEN NOT is_taken;
		start := stop;
	END LOOP;
	name := table_name || '_' || regexp_replace(to_char(start AT TIME ZONE 'UTC', 'YYYYMMDD_HH24MISS'),
		'_000000$', '');
	EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES) %s',
		name, table_name, h.options);
	IF table_name = 'event' THEN
		EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (workspace_id, sequence)', name);
	END IF;
	EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', table_name, name,
		uuid7_floor(start), uuid7_floor(stop));
	INSERT INTO history_span (parent, name, from_at, upto_at) VALUES (table_name, name, start, stop);
	RETURN name;
END
$$;

-- Whether anything that is not over needs a partition: of what changed after `since`, where that is given.
-- Scalar subqueries, because the planner would hash a whole partition for an EXISTS.
CREATE FUNCTION history_owes(span history_span, since timestamptz) RETURNS bool
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	low uuid := coalesce(uuid7_floor(span.from_at), '00000000-0000-0000-0000-000000000000');
	high uuid := uuid7_floor(span.upto_at);
	is_owed bool;
BEGIN
	CASE span.parent
	WHEN 'scheduled_call_done' THEN
		RETURN EXISTS (SELECT FROM workspace w CROSS JOIN LATERAL (
				SELECT c.id FROM scheduled_call c WHERE c.workspace_id = w.id AND c.id >= low
				ORDER BY c.id LIMIT 1) x
			WHERE x.id < high);
	WHEN 'attempt_done' THEN
		RETURN EXISTS (SELECT FROM history_span s WHERE s.parent = 'scheduled_call_done'
				AND s.upto_at > coalesce(span.from_at, '-infinity')
				AND coalesce(s.from_at, '-infinity') < span.upto_at)
			OR EXISTS (SELECT FROM workspace w CROSS JOIN LATERAL (
				SELECT c.id FROM scheduled_call c WHERE c.workspace_id = w.id AND c.id >= low
				ORDER BY c.id LIMIT 1) x
			WHERE x.id < high);
	WHEN 'conversation' THEN
		RETURN EXISTS (SELECT FROM attempt a WHERE a.conversation_id >= low AND a.conversation_id < high)
			OR EXISTS (SELECT FROM scheduled_call c WHERE c.conversation_id >= low
				AND c.conversation_id < high);
	WHEN 'delivery_done', 'delivery_attempt' THEN
		-- The records in an endpoint's oldest range say what of it was sent.
		RETURN EXISTS (SELECT FROM webhook_endpoint w CROSS JOIN LATERAL (
				SELECT r.created_at FROM delivery_range r
				WHERE r.workspace_id = w.workspace_id AND r.endpoint_id = w.id
				ORDER BY r.to_sequence LIMIT 1) x
			WHERE x.created_at < span.upto_at)
			OR EXISTS (SELECT FROM delivery d WHERE d.id >= low AND d.id < high);
	WHEN 'event' THEN
		EXECUTE format('SELECT EXISTS (SELECT FROM webhook_endpoint w CROSS JOIN LATERAL (
				SELECT r.from_sequence FROM delivery_range r
				WHERE r.workspace_id = w.workspace_id AND r.endpoint_id = w.id
				ORDER BY r.to_sequence LIMIT 1) x
			WHERE (SELECT true FROM %1$I e WHERE e.workspace_id = w.workspace_id
				AND e.sequence >= x.from_sequence LIMIT 1) IS NOT NULL)
			OR EXISTS (SELECT FROM delivery d WHERE d.created_at >= $1
				AND (SELECT true FROM %1$I e WHERE e.workspace_id = d.workspace_id
					AND e.sequence = d.sequence) IS NOT NULL)', span.name)
			INTO is_owed USING coalesce(since, '-infinity');
		RETURN is_owed;
	END CASE;
END
$$;

-- Drops the oldest partition of a table that ended before a moment and that nothing needs, and answers
-- its name; also how many are past that moment and needed. NULL: none was dropped; is_busy: one would
-- have been, but the table was in use for so long that waiting on would have kept others waiting.
-- Dropping takes ACCESS EXCLUSIVE on the table, for an instant; what could have changed until it was
-- got is looked at once more under it. A file is deleted after the locks are gone.
CREATE FUNCTION history_drop(table_name text, older_than timestamptz, OUT name text, OUT kept bigint,
	OUT is_busy bool)
LANGUAGE plpgsql VOLATILE SET lock_timeout = '100ms' AS $$
DECLARE
	s history_span;
	looked_at timestamptz := clock_timestamp() - interval '10 minutes';
BEGIN
	kept := 0;
	is_busy := false;
	PERFORM FROM history x WHERE x.parent = table_name FOR UPDATE;
	FOR s IN SELECT x.* FROM history_span x WHERE x.parent = table_name AND x.upto_at <= older_than
		AND coalesce(x.ended_at, x.upto_at) <= older_than ORDER BY x.upto_at
	LOOP
		IF history_owes(s, NULL) THEN
			kept := kept + 1;
			CONTINUE;
		END IF;
		BEGIN
			EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', table_name);
			EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', s.name);
			IF history_owes(s, looked_at) THEN
				kept := kept + 1;
			ELSE
				EXECUTE format('DROP TABLE %I', s.name);
				DELETE FROM history_span x WHERE x.parent = table_name AND x.upto_at = s.upto_at;
				name := s.name;
			END IF;
			RETURN;
		EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
			is_busy := true;
			RETURN;
		END;
	END LOOP;
END
$$;

-- --- what reads and writes history, by its partitions ---------------------------------------------

-- What ranges owe, event by event, as in 0008.
CREATE VIEW delivery_owed AS
SELECT r.workspace_id, r.endpoint_id, delivery_id(r.created_at, e.sequence, r.endpoint_id) AS id,
	e.sequence, e.type AS event_type, r.created_at
FROM delivery_range r
JOIN event e ON e.workspace_id = r.workspace_id
	AND e.sequence BETWEEN r.from_sequence AND r.to_sequence
WHERE r.events && ARRAY['*', e.type] AND NOT is_recorded(r.workspace_id, r.endpoint_id,
	delivery_id(r.created_at, e.sequence, r.endpoint_id));

-- As in 0008; the events of a range are looked for from its own partition on.
CREATE OR REPLACE FUNCTION owed_events(workspace uuid, endpoint uuid, after bigint, check_upto bigint,
	room bigint, first_delay_us bigint)
RETURNS TABLE (to_sequence bigint, created_at timestamptz, delivery_id uuid, more bool, sequence bigint,
	event_id uuid, type text, at timestamptz, campaign_id uuid, campaign_kind text,
	call_id uuid, target_id uuid, agent_id uuid, conversation_id uuid, to_number text,
	from_number text, external_id text, variables jsonb, call_created_at timestamptz,
	scheduled_at timestamptz, next_attempt_at timestamptz, status text, outcome text,
	attempt_number smallint, attempt_outcome text, sip_code smallint, started_at timestamptz,
	ended_at timestamptz, duration_ms bigint, billed_s bigint, end_reason text, data text)
LANGUAGE plpgsql STABLE ROWS 100
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	r record;
	n bigint;
	room_left bigint := room;
	looked bigint := 0;
	head text;
	tail text := delivery_id_tail(endpoint);
	since timestamptz := (SELECT h.since FROM history h WHERE h.parent = 'event');
	low uuid; -- no event of the range has a lower id
BEGIN
	FOR r IN SELECT d.from_sequence, d.to_sequence, d.events, d.created_at FROM delivery_range d
		WHERE d.workspace_id = workspace AND d.endpoint_id = endpoint AND d.to_sequence > after
		AND d.created_at <= now() - first_delay_us * interval '1 microsecond'
		ORDER BY d.to_sequence
	LOOP
		head := delivery_id_head(r.created_at);
		low := CASE WHEN r.created_at >= since THEN uuid7_floor(r.created_at)
			ELSE '00000000-0000-0000-0000-000000000000' END;
		RETURN QUERY SELECT r.to_sequence, r.created_at, delivery_id(head, e.sequence, tail), false,
			e.sequence, e.id, e.type, e.at, e.campaign_id, e.campaign_kind, e.call_id, e.target_id,
			e.agent_id, e.conversation_id, e.to_number, e.from_number, e.external_id,
			e.variables, e.call_created_at, e.scheduled_at, e.next_attempt_at, e.status,
			e.outcome, e.attempt_number, e.attempt_outcome, e.sip_code, e.started_at,
			e.ended_at, e.duration_ms, e.billed_s, e.end_reason, e.data
		FROM event e
		WHERE e.workspace_id = workspace AND e.sequence > after AND e.id >= low
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

-- As in 0008, planned once.
CREATE OR REPLACE FUNCTION bury_owed(workspace uuid, endpoint uuid, why text, most bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off
SET plan_cache_mode = force_generic_plan AS $$
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

-- As in 0008; the events of a range are looked for from its own partition on.
CREATE OR REPLACE FUNCTION owed_page(workspace uuid, endpoint uuid, before uuid, most bigint)
RETURNS TABLE (delivery_id uuid, sequence bigint, event_type text, created_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 100
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off
SET plan_cache_mode = force_generic_plan AS $$
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
	since timestamptz := (SELECT h.since FROM history h WHERE h.parent = 'event');
	low_id uuid; -- no event of the range has a lower id
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
		low_id := CASE WHEN r.created_at >= since THEN uuid7_floor(r.created_at)
			ELSE '00000000-0000-0000-0000-000000000000' END;
		RETURN QUERY SELECT delivery_id(head, e.sequence, tail), e.sequence, e.type, r.created_at
		FROM event e
		WHERE e.workspace_id = workspace AND e.id >= low_id AND e.sequence BETWEEN r.from_sequence AND r.to_sequence
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

-- As in 0008; an event's id has the milliseconds of its range's created_at.
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
			SELECT k.workspace_id, base - k.n + k.rn, uuid7(owed_at, k.rn), k.type, k.at,
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

-- --- what the API lists, planned once ---------------------------------------------------------------

-- The planner would take the plan of each question's own values for better, since that leaves partitions
-- out as it is made, and make it anew each time, which takes longer the more partitions there are, and
-- longer than the question. As it begins to run it leaves them out as well, by what is known then: the
-- arguments of a function and not what another part of the statement finds, hence functions.

-- A list of what is newest is looked for from these on, one after the other: most pages are full after the
-- first, and the partitions behind it are left alone. Only how soon depends on the clock, not what is found.
CREATE FUNCTION history_steps(before uuid) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
DECLARE
	ms bigint := ('x' || replace(left(before::text, 13), '-', ''))::bit(48)::bigint;
	at timestamptz := to_timestamp(least(ms, (extract(epoch FROM now()) * 1000)::bigint) / 1000);
BEGIN
	RETURN ARRAY[uuid7_floor(greatest(at, '1970-01-10 00:00:00+00') - interval '1 hour'),
		uuid7_floor(greatest(at, '1970-01-10 00:00:00+00') - interval '8 days'),
		'00000000-0000-0000-0000-000000000000'];
END
$$;

-- The ids of the newest calls, open ones and then done ones, each newest first: the first `most` of both
-- together are among them. Of the calls of a campaign none is older than that, give or take a clock.
CREATE FUNCTION call_ids(workspace uuid, want_status text, want_outcome text, campaign uuid, number text,
	since timestamptz, until timestamptz, before uuid, most bigint)
RETURNS SETOF uuid LANGUAGE plpgsql STABLE ROWS 50
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	page uuid[];
	bottom uuid := '00000000-0000-0000-0000-000000000000';
	low uuid;
	high uuid := before;
	n bigint;
	room bigint := most;
BEGIN
	IF campaign IS NULL THEN
		page := ARRAY(SELECT c.id FROM scheduled_call c
			WHERE c.workspace_id = workspace AND c.id < before
				AND (want_status IS NULL OR c.status = want_status)
				AND (want_outcome IS NULL OR c.outcome = want_outcome)
				AND (number IS NULL OR c.to_number = number)
				AND (since IS NULL OR c.scheduled_at >= since)
				AND (until IS NULL OR c.scheduled_at < until)
			ORDER BY c.id DESC LIMIT most);
	ELSE -- by the index of its calls, or all that there are would be read
		page := ARRAY(SELECT c.id FROM scheduled_call c
			WHERE c.workspace_id = workspace AND c.campaign_id = campaign AND c.id < before
				AND (want_status IS NULL OR c.status = want_status)
				AND (want_outcome IS NULL OR c.outcome = want_outcome)
				AND (number IS NULL OR c.to_number = number)
				AND (since IS NULL OR c.scheduled_at >= since)
				AND (until IS NULL OR c.scheduled_at < until)
			ORDER BY c.id DESC LIMIT most);
		bottom := coalesce((SELECT uuid7_floor(k.created_at - interval '1 day') FROM campaign k
			WHERE k.workspace_id = workspace AND k.id = call_ids.campaign), bottom);
	END IF;
	RETURN QUERY SELECT unnest(page);
	bottom := greatest(bottom, page[most]); -- NULL where there are fewer
	FOREACH low IN ARRAY history_steps(before) LOOP
		low := greatest(low, bottom);
		IF campaign IS NULL THEN
			RETURN QUERY SELECT c.id FROM scheduled_call_done c
			WHERE c.workspace_id = workspace AND c.id < high AND c.id >= low
				AND (want_status IS NULL OR c.status = want_status)
				AND (want_outcome IS NULL OR c.outcome = want_outcome)
				AND (number IS NULL OR c.to_number = number)
				AND (since IS NULL OR c.scheduled_at >= since)
				AND (until IS NULL OR c.scheduled_at < until)
			ORDER BY c.id DESC LIMIT room;
		ELSE
			RETURN QUERY SELECT c.id FROM scheduled_call_done c
			WHERE c.workspace_id = workspace AND c.campaign_id = campaign
				AND c.id < high AND c.id >= low
				AND (want_status IS NULL OR c.status = want_status)
				AND (want_outcome IS NULL OR c.outcome = want_outcome)
				AND (number IS NULL OR c.to_number = number)
				AND (since IS NULL OR c.scheduled_at >= since)
				AND (until IS NULL OR c.scheduled_at < until)
			ORDER BY c.id DESC LIMIT room;
		END IF;
		GET DIAGNOSTICS n = ROW_COUNT;
		room := room - n;
		high := low;
		EXIT WHEN room <= 0 OR low <= bottom;
	END LOOP;
END
$$;

CREATE FUNCTION conversation_ids(workspace uuid, want_status text, before uuid, most bigint)
RETURNS SETOF uuid LANGUAGE plpgsql STABLE ROWS 50
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	low uuid;
	high uuid := before;
	n bigint;
	room bigint := most;
BEGIN
	FOREACH low IN ARRAY history_steps(before) LOOP
		RETURN QUERY SELECT v.id FROM conversation v
		WHERE v.workspace_id = workspace AND v.id < high AND v.id >= low
			AND (want_status IS NULL OR v.status = want_status)
		ORDER BY v.id DESC LIMIT room;
		GET DIAGNOSTICS n = ROW_COUNT;
		room := room - n;
		high := low;
		EXIT WHEN room <= 0;
	END LOOP;
END
$$;

CREATE FUNCTION done_deliveries(workspace uuid, endpoint uuid, want_status text, before uuid, most bigint)
RETURNS SETOF delivery_done LANGUAGE plpgsql STABLE ROWS 50
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	low uuid;
	high uuid := before;
	n bigint;
	room bigint := most;
BEGIN
	FOREACH low IN ARRAY history_steps(before) LOOP
		RETURN QUERY SELECT d.* FROM delivery_done d
		WHERE d.workspace_id = workspace AND d.endpoint_id = endpoint AND d.id < high AND d.id >= low
			AND (want_status IS NULL OR d.status = want_status)
		ORDER BY d.id DESC LIMIT room;
		GET DIAGNOSTICS n = ROW_COUNT;
		room := room - n;
		high := low;
		EXIT WHEN room <= 0;
	END LOOP;
END
$$;

-- The events of some deliveries, made between two moments, of which one is of this generation or later.
CREATE FUNCTION delivery_events(workspace uuid, sequences bigint[], first_at timestamptz, last_at timestamptz,
	generation smallint)
RETURNS TABLE (sequence bigint, id uuid) LANGUAGE plpgsql STABLE ROWS 50
SET enable_bitmapscan = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	since timestamptz := (SELECT h.since FROM history h WHERE h.parent = 'event');
	low uuid := event_from(first_at, generation, since);
	high uuid := CASE WHEN first_at >= since + interval '1 hour' THEN uuid7_floor(last_at + interval '1 hour')
		ELSE 'ffffffff-ffff-ffff-ffff-ffffffffffff' END;
BEGIN
	RETURN QUERY SELECT e.sequence, e.id FROM event e
	WHERE e.workspace_id = workspace AND e.sequence = ANY (sequences) AND e.id >= low AND e.id < high;
END
$$;

-- Events after a sequence. Where the one before them is of the last hour, none of them is much older: ids
-- have the times of publication, in their order, but for those of tests, which have their gateways' clock.
CREATE FUNCTION events_after(workspace uuid, after bigint, most bigint)
RETURNS TABLE (sequence bigint, type text, id uuid) LANGUAGE plpgsql STABLE ROWS 100
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	since timestamptz := (SELECT h.since FROM history h WHERE h.parent = 'event');
	recent timestamptz := now() - interval '1 hour';
	low uuid := uuid7_floor(recent);
BEGIN
	low := CASE WHEN recent >= since + interval '1 hour' AND (SELECT true FROM event e
			WHERE e.workspace_id = workspace AND e.sequence BETWEEN after - 20 AND after AND e.id >= low
			ORDER BY e.sequence DESC LIMIT 1)
		THEN uuid7_floor(recent - interval '2 hours') ELSE '00000000-0000-0000-0000-000000000000' END;
	RETURN QUERY SELECT e.sequence, e.type, e.id FROM event e
	WHERE e.workspace_id = workspace AND e.sequence > after AND e.id >= low
	ORDER BY e.sequence LIMIT most;
END
$$;

-- By their ids: an array leaves no partition out, its ends do.
CREATE FUNCTION done_calls(workspace uuid, ids uuid[]) RETURNS SETOF scheduled_call_done
LANGUAGE plpgsql STABLE ROWS 50
SET enable_bitmapscan = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	low uuid := (SELECT x FROM unnest(ids) x ORDER BY x LIMIT 1);
	high uuid := (SELECT x FROM unnest(ids) x ORDER BY x DESC LIMIT 1);
BEGIN
	RETURN QUERY SELECT c.* FROM scheduled_call_done c
	WHERE c.workspace_id = workspace AND c.id = ANY (ids) AND c.id >= low AND c.id <= high;
END
$$;

CREATE FUNCTION conversations(workspace uuid, ids uuid[]) RETURNS SETOF conversation
LANGUAGE plpgsql STABLE ROWS 50
SET enable_bitmapscan = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	low uuid := (SELECT x FROM unnest(ids) x ORDER BY x LIMIT 1);
	high uuid := (SELECT x FROM unnest(ids) x ORDER BY x DESC LIMIT 1);
BEGIN
	RETURN QUERY SELECT v.* FROM conversation v
	WHERE v.workspace_id = workspace AND v.id = ANY (ids) AND v.id >= low AND v.id <= high;
END
$$;

-- Events by their sequences and ids, these for their time.
CREATE FUNCTION events(workspace uuid, sequences bigint[], ids uuid[]) RETURNS SETOF event
LANGUAGE plpgsql STABLE ROWS 50
SET enable_bitmapscan = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	low uuid := (SELECT x FROM unnest(ids) x ORDER BY x LIMIT 1);
	high uuid := (SELECT x FROM unnest(ids) x ORDER BY x DESC LIMIT 1);
BEGIN
	RETURN QUERY SELECT e.* FROM event e
	WHERE e.workspace_id = workspace AND e.sequence = ANY (sequences) AND e.id >= low AND e.id <= high;
END
$$;

-- The last recorded attempt of a delivery that is not over.
CREATE FUNCTION last_attempt(workspace uuid, delivery uuid) RETURNS SETOF delivery_attempt
LANGUAGE plpgsql STABLE ROWS 1
SET enable_bitmapscan = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	RETURN QUERY SELECT a.* FROM delivery_attempt a
	WHERE a.workspace_id = workspace AND a.delivery_id = delivery ORDER BY a.number DESC LIMIT 1;
END
$$;

-- The finished call of a target that was made between these, whatever clocks say: which leaves few of the
-- partitions.
CREATE FUNCTION done_call_of(workspace uuid, target uuid, first_at timestamptz, last_at timestamptz) RETURNS uuid
LANGUAGE plpgsql STABLE
SET enable_bitmapscan = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	low uuid := uuid7_floor(first_at - interval '1 day');
	high uuid := uuid7_floor(last_at + interval '1 day');
BEGIN
	RETURN (SELECT d.id FROM scheduled_call_done d WHERE d.workspace_id = workspace
		AND d.target_id = target AND d.id >= low AND d.id < high LIMIT 1);
END
$$;
