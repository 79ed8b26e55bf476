-- The first schema. Points that would be walls to move later:
--  * Every table with tenant data carries workspace_id in its key. The hot tables of the engine
--    (scheduled_call, attempt, event, delivery and what follows them) carry it too but have no
--    foreign keys: their rows are only written by statements that read the parent in the same
--    transaction, and a parent is never deleted while they stand. A foreign key there costs a
--    lookup and a row lock on the same campaign for every row.
--  * Open work and finished work live apart: scheduled_call / scheduled_call_done,
--    attempt / attempt_done, delivery / delivery_done. The open ones stay small and hot, the
--    finished ones are only appended to.
--  * No index names a column that changes on the road of a call, so that its updates are HOT.
--  * Ids are UUIDv7, so finished rows can be partitioned by time through their id.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- --- ids -----------------------------------------------------------------------------------

-- A UUIDv7 whose 12 bits of rand_a count within a batch, so that ids made by one statement sort
-- in the order of n.
CREATE FUNCTION uuid7(at timestamptz, n bigint) RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
	SELECT encode(
		overlay(
			overlay(uuid_send(gen_random_uuid())
				PLACING substring(int8send((extract(epoch FROM at) * 1000)::bigint + (n >> 12)) FROM 3)
				FROM 1 FOR 6)
			PLACING substring(int4send((28672 | (n & 4095))::int) FROM 3) FROM 7 FOR 2),
		'hex')::uuid
$$;

-- The smallest UUIDv7 of an instant: a bound for partitions and keysets.
CREATE FUNCTION uuid7_floor(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT (substring(h FROM 1 FOR 8) || '-' || substring(h FROM 9 FOR 4) || '-7000-8000-000000000000')::uuid
	FROM (SELECT lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS h) x
$$;

-- --- tenants -------------------------------------------------------------------------------

CREATE TABLE workspace (
	id uuid PRIMARY KEY,
	name text NOT NULL,
	timezone text NOT NULL DEFAULT 'Asia/Kolkata',
	shard smallint NOT NULL DEFAULT 0,
	calls_per_minute int CHECK (calls_per_minute BETWEEN 1 AND 6000000),
	max_concurrent int CHECK (max_concurrent BETWEEN 1 AND 1000000),
	billing_increment_s int NOT NULL DEFAULT 1 CHECK (billing_increment_s BETWEEN 1 AND 3600),
	credit_s bigint, -- seconds of conversation left; NULL = not limited
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);

-- The last event sequence of a workspace: apart, because every batch of events locks it.
CREATE TABLE workspace_sequence (
	workspace_id uuid PRIMARY KEY REFERENCES workspace (id),
	last_sequence bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 20);

CREATE TABLE api_key (
	workspace_id uuid NOT NULL REFERENCES workspace (id),
	id uuid NOT NULL,
	name text NOT NULL,
	prefix text NOT NULL,
	last_four text NOT NULL,
	hash bytea NOT NULL UNIQUE, -- HMAC-SHA256 with the pepper
	scopes text[] NOT NULL,
	rate_per_minute int, -- NULL = no limit
	expires_at timestamptz,
	revoked_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace_id, id)
);

CREATE TABLE agent (
	workspace_id uuid NOT NULL REFERENCES workspace (id),
	id uuid NOT NULL,
	name text NOT NULL,
	endpoint jsonb NOT NULL DEFAULT '{}',
	variables jsonb,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	deleted_at timestamptz,
	PRIMARY KEY (workspace_id, id)
);

CREATE TABLE trunk (
	workspace_id uuid NOT NULL REFERENCES workspace (id),
	id uuid NOT NULL,
	name text NOT NULL,
	dialer text NOT NULL CHECK (dialer IN ('sim', 'sip', 'twilio')),
	settings jsonb NOT NULL DEFAULT '{}', -- what is not secret
	secret bytea, -- the secret settings, sealed with the row's identity
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	deleted_at timestamptz,
	PRIMARY KEY (workspace_id, id)
);

CREATE TABLE number (
	workspace_id uuid NOT NULL REFERENCES workspace (id),
	id uuid NOT NULL,
	e164 text NOT NULL,
	trunk_id uuid NOT NULL,
	calls_per_minute int CHECK (calls_per_minute BETWEEN 1 AND 6000000),
	max_concurrent int CHECK (max_concurrent BETWEEN 1 AND 1000000),
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	deleted_at timestamptz,
	PRIMARY KEY (workspace_id, id),
	FOREIGN KEY (workspace_id, trunk_id) REFERENCES trunk (workspace_id, id)
);
-- A number belongs to one workspace of the installation.
CREATE UNIQUE INDEX number_owner ON number (e164) WHERE deleted_at IS NULL;

CREATE TABLE suppression (
	workspace_id uuid NOT NULL REFERENCES workspace (id),
	id uuid NOT NULL,
	to_number text NOT NULL,
	reason text,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace_id, id),
	UNIQUE (workspace_id, to_number)
);

-- --- campaigns -----------------------------------------------------------------------------

CREATE TABLE campaign (
	workspace_id uuid NOT NULL REFERENCES workspace (id),
	id uuid NOT NULL,
	kind text NOT NULL CHECK (kind IN ('recurring', 'bulk')),
	name text NOT NULL,
	description text,
	status text NOT NULL DEFAULT 'draft'
		CHECK (status IN ('draft', 'active', 'paused', 'completed', 'cancelled')),
	status_reason text, -- set when the engine paused it
	agent_id uuid NOT NULL,
	number_id uuid NOT NULL,
	variables jsonb,
	to_number text,
	cron text,
	timezone text NOT NULL,
	end_at timestamptz,
	schedule_version int NOT NULL DEFAULT 1,
	rate_per_minute int CHECK (rate_per_minute BETWEEN 1 AND 600000),
	max_concurrent int CHECK (max_concurrent BETWEEN 1 AND 1000000),
	max_attempts smallint NOT NULL DEFAULT 1 CHECK (max_attempts BETWEEN 1 AND 10),
	retry_policy jsonb, -- NULL = the defaults
	ring_timeout_s int NOT NULL DEFAULT 30,
	max_duration_s int NOT NULL DEFAULT 3600,
	calling_windows jsonb,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	started_at timestamptz,
	completed_at timestamptz,
	PRIMARY KEY (workspace_id, id),
	UNIQUE (id),
	FOREIGN KEY (workspace_id, agent_id) REFERENCES agent (workspace_id, id),
	FOREIGN KEY (workspace_id, number_id) REFERENCES number (workspace_id, id),
	CHECK ((kind = 'bulk') = (rate_per_minute IS NOT NULL)),
	CHECK ((kind = 'recurring') = (cron IS NOT NULL)),
	CHECK ((kind = 'recurring') = (to_number IS NOT NULL))
);
CREATE INDEX campaign_live ON campaign (id) WHERE status IN ('active', 'paused');

-- Counters of the targets by status. They change in the same transaction as the rows.
CREATE TABLE campaign_count (
	workspace_id uuid NOT NULL,
	campaign_id uuid NOT NULL,
	total bigint NOT NULL DEFAULT 0,
	pending bigint NOT NULL DEFAULT 0,
	scheduled bigint NOT NULL DEFAULT 0,
	dispatched bigint NOT NULL DEFAULT 0,
	failed bigint NOT NULL DEFAULT 0,
	skipped bigint NOT NULL DEFAULT 0,
	next_position bigint NOT NULL DEFAULT 1, -- of the next appended target
	PRIMARY KEY (workspace_id, campaign_id),
	FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaign (workspace_id, id) ON DELETE CASCADE,
	CHECK (pending >= 0 AND scheduled >= 0 AND dispatched >= 0 AND failed >= 0 AND skipped >= 0)
) WITH (fillfactor = 20);

-- Where the scheduler stands in a campaign. For bulk: call `slot` of the line is due at
-- line_at + slot * 60 s / rate; a pause, a stall or a tighter limit moves line_at.
CREATE TABLE campaign_plan (
	workspace_id uuid NOT NULL,
	campaign_id uuid NOT NULL,
	line_at timestamptz, -- NULL: to be set by the next pass (just started or resumed)
	next_slot bigint NOT NULL DEFAULT 0, -- of the next materialized target
	position bigint NOT NULL DEFAULT 0, -- targets up to here are materialized or skipped
	next_occurrence_at timestamptz, -- recurring
	PRIMARY KEY (workspace_id, campaign_id),
	FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaign (workspace_id, id) ON DELETE CASCADE
) WITH (fillfactor = 20);

CREATE TABLE target (
	workspace_id uuid NOT NULL,
	id uuid NOT NULL,
	campaign_id uuid NOT NULL,
	position bigint NOT NULL, -- order of arrival, gaps allowed
	to_number text NOT NULL,
	name text,
	external_id text,
	timezone text,
	variables jsonb,
	status text NOT NULL DEFAULT 'pending'
		CHECK (status IN ('pending', 'scheduled', 'dispatched', 'failed', 'skipped')),
	outcome text, -- of the last attempt
	attempts smallint NOT NULL DEFAULT 0, -- dials made
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace_id, id),
	UNIQUE (campaign_id, to_number),
	UNIQUE (campaign_id, position),
	FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaign (workspace_id, id) ON DELETE CASCADE
) WITH (fillfactor = 45);
CREATE INDEX target_search ON target USING gin
	(to_number gin_trgm_ops, (lower(name)) gin_trgm_ops);

-- The next targets of a campaign that wait, in order. A function for its settings: nothing tells the
-- planner how large this campaign is, and where it expects few targets it reads and sorts all that
-- are left for each batch.
CREATE FUNCTION pending_targets(campaign uuid, after bigint, most bigint)
RETURNS TABLE (id uuid, "position" bigint) LANGUAGE sql STABLE ROWS 1
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off AS $$
	SELECT t.id, t.position FROM target t
	WHERE t.campaign_id = $1 AND t.position > $2 AND t.status = 'pending'
	ORDER BY t.position LIMIT $3
$$;

-- --- calls ---------------------------------------------------------------------------------

-- What is open: scheduled or dialing, and terminal ones until the archiver has moved them.
CREATE TABLE scheduled_call (
	workspace_id uuid NOT NULL,
	id uuid NOT NULL,
	campaign_id uuid,
	target_id uuid,
	number_id uuid NOT NULL,
	agent_id uuid NOT NULL,
	slot bigint, -- place in a bulk campaign's line
	schedule_version int,
	occurrence_key text, -- of a recurring campaign
	to_number text NOT NULL,
	from_number text NOT NULL,
	external_id text,
	variables jsonb, -- the campaign's, overlaid by the target's
	max_attempts smallint, -- of an ad hoc call; else the campaign's
	retry_policy jsonb, -- likewise
	created_at timestamptz NOT NULL,
	-- What changes. due_at is NULL while a bulk call stands in line for its first attempt; its
	-- instant is then the plan's (scheduled_at holds the one planned at first), and the claim
	-- fixes scheduled_at.
	due_at timestamptz,
	scheduled_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	status text NOT NULL CHECK (status IN ('scheduled', 'dialing', 'dispatched', 'failed', 'cancelled')),
	outcome text,
	attempt_id uuid, -- the one open or last
	conversation_id uuid,
	dials smallint NOT NULL DEFAULT 0, -- attempts made, counted or not
	counted smallint NOT NULL DEFAULT 0, -- attempts that count against max_attempts
	rate_limited smallint NOT NULL DEFAULT 0,
	carrier_errors smallint NOT NULL DEFAULT 0,
	agent_unavailable smallint NOT NULL DEFAULT 0,
	PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 40);
CREATE UNIQUE INDEX scheduled_call_occurrence ON scheduled_call
	(campaign_id, schedule_version, occurrence_key) WHERE occurrence_key IS NOT NULL;
CREATE UNIQUE INDEX scheduled_call_target ON scheduled_call (target_id) WHERE target_id IS NOT NULL;
CREATE INDEX scheduled_call_line ON scheduled_call (campaign_id, slot) WHERE slot IS NOT NULL;
CREATE INDEX scheduled_call_due ON scheduled_call (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX scheduled_call_campaign ON scheduled_call (campaign_id, id);

CREATE TABLE scheduled_call_done (LIKE scheduled_call INCLUDING DEFAULTS, PRIMARY KEY (workspace_id, id))
	PARTITION BY RANGE (id);
CREATE TABLE scheduled_call_done_default PARTITION OF scheduled_call_done DEFAULT;
CREATE INDEX ON scheduled_call_done (target_id) WHERE target_id IS NOT NULL;
CREATE INDEX ON scheduled_call_done (campaign_id, id);

-- Attempts in the hands of a dispatcher. Deleted when they end.
CREATE TABLE attempt (
	workspace_id uuid NOT NULL,
	id uuid NOT NULL,
	call_id uuid NOT NULL,
	campaign_id uuid,
	target_id uuid,
	number_id uuid NOT NULL,
	trunk_id uuid NOT NULL,
	number smallint NOT NULL, -- running number of the dial
	dispatcher_id uuid NOT NULL, -- the incarnation that holds it
	dialer text NOT NULL,
	dialer_instance text NOT NULL, -- only its word counts
	ring_timeout_s int NOT NULL,
	max_duration_s int NOT NULL,
	claimed_at timestamptz NOT NULL,
	answered_at timestamptz,
	bridged_at timestamptz,
	conversation_id uuid,
	provider_ref text,
	PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 50);
CREATE INDEX attempt_dispatcher ON attempt (dispatcher_id);

CREATE TABLE attempt_done (
	workspace_id uuid NOT NULL,
	call_id uuid NOT NULL,
	number smallint NOT NULL,
	id uuid NOT NULL,
	dialed_at timestamptz,
	answered_at timestamptz,
	ended_at timestamptz NOT NULL,
	outcome text NOT NULL,
	sip_code smallint,
	q850 smallint,
	ended_by text,
	provider_ref text,
	PRIMARY KEY (workspace_id, call_id, number)
);

CREATE TABLE conversation (
	workspace_id uuid NOT NULL,
	id uuid NOT NULL,
	call_id uuid NOT NULL,
	attempt_id uuid NOT NULL,
	status text NOT NULL CHECK (status IN ('in_progress', 'completed')),
	started_at timestamptz NOT NULL,
	ended_at timestamptz,
	duration_ms bigint,
	billed_s bigint,
	end_reason text,
	PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 50);

-- --- events and webhooks -------------------------------------------------------------------

CREATE TABLE webhook_endpoint (
	workspace_id uuid NOT NULL REFERENCES workspace (id),
	id uuid NOT NULL,
	url text NOT NULL,
	description text,
	events text[] NOT NULL, -- types, or {*}
	status text NOT NULL DEFAULT 'enabled' CHECK (status IN ('enabled', 'disabled')),
	disabled_reason text,
	secret bytea NOT NULL, -- sealed
	secret_old bytea, -- the one before, while both sign
	secret_old_until timestamptz,
	gate_until timestamptz, -- nothing is sent before (Retry-After)
	consecutive_failures int NOT NULL DEFAULT 0, -- time-outs and failed connects in a row
	last_success_at timestamptz,
	failing_since timestamptz,
	sender_id uuid, -- the webhook_sender that alone sends to it
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	deleted_at timestamptz,
	PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 50);
CREATE INDEX webhook_endpoint_enabled ON webhook_endpoint (workspace_id)
	WHERE status = 'enabled' AND deleted_at IS NULL;

-- Incarnations of webhook-senders. A row that stands is a living sender: it renews its lease, others
-- delete the row once the lease has run out, and only then take over what it held.
CREATE TABLE webhook_sender (
	id uuid PRIMARY KEY,
	is_draining bool NOT NULL DEFAULT false, -- finishes what it has, wants nothing more
	started_at timestamptz NOT NULL DEFAULT now(),
	lease_until timestamptz NOT NULL
) WITH (fillfactor = 20);

-- A committed fact, narrow: the body is rendered from these columns by one pure function, so every
-- attempt and replay sends the same bytes. Rare kinds (campaign.*, webhook_endpoint.*) bring their
-- data as text.
CREATE TABLE event (
	workspace_id uuid NOT NULL,
	sequence bigint NOT NULL,
	id uuid NOT NULL,
	type text NOT NULL,
	at timestamptz NOT NULL,
	campaign_id uuid,
	campaign_kind text,
	call_id uuid,
	target_id uuid,
	agent_id uuid,
	conversation_id uuid,
	to_number text,
	from_number text,
	external_id text,
	variables jsonb,
	call_created_at timestamptz,
	scheduled_at timestamptz,
	next_attempt_at timestamptz,
	status text,
	outcome text,
	attempt_number smallint,
	attempt_outcome text,
	sip_code smallint,
	started_at timestamptz,
	ended_at timestamptz,
	duration_ms bigint,
	billed_s bigint,
	end_reason text,
	data text,
	PRIMARY KEY (workspace_id, sequence)
);

-- Deliveries that wait or are on their way. One row per event, endpoint and generation.
CREATE TABLE delivery (
	workspace_id uuid NOT NULL,
	endpoint_id uuid NOT NULL,
	id uuid NOT NULL,
	sequence bigint NOT NULL, -- of the event
	event_type text NOT NULL,
	generation smallint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL,
	due_at timestamptz NOT NULL,
	attempts smallint NOT NULL DEFAULT 0, -- begun
	sender_id uuid, -- who holds it
	lease_until timestamptz,
	PRIMARY KEY (workspace_id, endpoint_id, id)
) WITH (fillfactor = 40);
CREATE INDEX delivery_due ON delivery (endpoint_id, due_at);

-- What became of them, with the last attempt's facts.
CREATE TABLE delivery_done (
	workspace_id uuid NOT NULL,
	endpoint_id uuid NOT NULL,
	id uuid NOT NULL,
	sequence bigint NOT NULL,
	event_type text NOT NULL,
	generation smallint NOT NULL,
	created_at timestamptz NOT NULL,
	ended_at timestamptz NOT NULL,
	status text NOT NULL CHECK (status IN ('delivered', 'dead_letter')),
	reason text, -- of a dead letter
	attempts smallint NOT NULL,
	started_at timestamptz,
	result text, -- of the last attempt: delivered, timeout, dns_error, http_error, ...
	http_status smallint,
	duration_ms int,
	excerpt text,
	PRIMARY KEY (workspace_id, endpoint_id, id)
);

-- Attempts before the last one of a delivery.
CREATE TABLE delivery_attempt (
	workspace_id uuid NOT NULL,
	delivery_id uuid NOT NULL,
	number smallint NOT NULL,
	started_at timestamptz NOT NULL,
	result text NOT NULL,
	http_status smallint,
	duration_ms int,
	excerpt text,
	PRIMARY KEY (workspace_id, delivery_id, number)
);

-- --- engine --------------------------------------------------------------------------------

-- One row per elected role. Whoever writes as leader shares this row under its own epoch first.
CREATE TABLE leader (
	name text PRIMARY KEY,
	epoch bigint NOT NULL DEFAULT 0,
	holder uuid,
	backend_pid int,
	backend_start timestamptz,
	taken_at timestamptz
);
INSERT INTO leader (name) VALUES ('scheduler');

-- Incarnations of dispatchers: the lease of every attempt that names them.
CREATE TABLE dispatcher (
	id uuid PRIMARY KEY,
	host text NOT NULL,
	slot int NOT NULL,
	started_at timestamptz NOT NULL DEFAULT now(),
	lease_until timestamptz NOT NULL
) WITH (fillfactor = 20);

CREATE TABLE idempotency (
	workspace_id uuid NOT NULL REFERENCES workspace (id),
	key text NOT NULL,
	request_hash bytea NOT NULL,
	status smallint NOT NULL,
	body bytea NOT NULL,
	is_sealed bool NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace_id, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE import (
	workspace_id uuid NOT NULL,
	id uuid NOT NULL,
	campaign_id uuid NOT NULL,
	status text NOT NULL CHECK (status IN ('running', 'completed', 'failed')),
	received bigint NOT NULL DEFAULT 0,
	inserted bigint NOT NULL DEFAULT 0,
	deduped bigint NOT NULL DEFAULT 0,
	rejected bigint NOT NULL DEFAULT 0,
	reason text,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace_id, id),
	FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaign (workspace_id, id) ON DELETE CASCADE
);

CREATE TABLE audit (
	workspace_id uuid NOT NULL REFERENCES workspace (id),
	id uuid NOT NULL,
	at timestamptz NOT NULL DEFAULT now(),
	key_id uuid,
	action text NOT NULL,
	subject text NOT NULL,
	request_id text,
	PRIMARY KEY (workspace_id, id)
);

-- --- publishing ----------------------------------------------------------------------------

-- What a statement hands to publish(): a type with the call it is about, or with text of its own.
CREATE TYPE publishable AS (
	type text,
	workspace_id uuid,
	at timestamptz,
	campaign_kind text,
	call scheduled_call,
	attempt_number smallint,
	attempt_outcome text,
	sip_code smallint,
	conversation_id uuid,
	started_at timestamptz,
	ended_at timestamptz,
	duration_ms bigint,
	billed_s bigint,
	end_reason text,
	campaign_id uuid, -- for types without a call
	data text
);

-- Writes events and their deliveries, and takes the workspace's sequence for all of them at once,
-- in the order of the array. Call it last in a transaction: the sequence's row stays locked until
-- the commit, which is what makes the order of sequences the order of commits.
-- scheduled_call.created is only written where somebody subscribes to it.
-- Answers the number of deliveries, so that the caller knows whether to wake a sender.
CREATE FUNCTION publish(p publishable[]) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	n_deliveries bigint := 0;
	n_one bigint;
	w record;
	base bigint;
BEGIN
	IF p IS NULL THEN
		RETURN 0;
	END IF;
	FOR w IN SELECT x.workspace_id AS id, count(*) AS n FROM unnest(p) x
		GROUP BY x.workspace_id ORDER BY x.workspace_id
	LOOP
		UPDATE workspace_sequence s SET last_sequence = s.last_sequence + (
			SELECT count(*) FROM unnest(p) x WHERE x.workspace_id = w.id
			AND (x.type <> 'scheduled_call.created' OR EXISTS (
				SELECT FROM webhook_endpoint e WHERE e.workspace_id = w.id
				AND e.status = 'enabled' AND e.deleted_at IS NULL
				AND e.events && ARRAY['*', x.type])))
		WHERE s.workspace_id = w.id RETURNING s.last_sequence INTO base;

		WITH kept AS (
			SELECT x.*, row_number() OVER (ORDER BY x.ord) AS rn, count(*) OVER () AS n
			FROM unnest(p) WITH ORDINALITY AS x(type, workspace_id, at, campaign_kind, call,
				attempt_number, attempt_outcome, sip_code, conversation_id,
				started_at, ended_at, duration_ms, billed_s, end_reason,
				campaign_id, data, ord)
			WHERE x.workspace_id = w.id
			AND (x.type <> 'scheduled_call.created' OR EXISTS (
				SELECT FROM webhook_endpoint e WHERE e.workspace_id = w.id
				AND e.status = 'enabled' AND e.deleted_at IS NULL
				AND e.events && ARRAY['*', x.type]))
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
			RETURNING sequence, type, at
		), dl AS (
			INSERT INTO delivery (workspace_id, endpoint_id, id, sequence, event_type,
				created_at, due_at)
			SELECT w.id, e.id, uuid7(now(), ev.sequence), ev.sequence, ev.type, now(), now()
			FROM ev JOIN webhook_endpoint e ON e.workspace_id = w.id
				AND e.status = 'enabled' AND e.deleted_at IS NULL
				AND e.events && ARRAY['*', ev.type]
			ORDER BY e.id, ev.sequence
			RETURNING 1
		)
		SELECT count(*) INTO n_one FROM dl;
		n_deliveries := n_deliveries + n_one;
	END LOOP;
	RETURN n_deliveries;
END
$$;
