-- How trunks stand, as their dialers say, and tests of them that the API asked for. Both are written by
-- dispatchers; few rows at any time.
CREATE TABLE trunk_state (
	workspace_id uuid NOT NULL,
	trunk_id uuid NOT NULL,
	state text NOT NULL CHECK (state IN ('up', 'down', 'throttled')),
	since timestamptz NOT NULL,
	until timestamptz, -- of throttled: up again from then on, without a word
	told_at timestamptz NOT NULL, -- when the dialer said it: an older word changes nothing
	PRIMARY KEY (workspace_id, trunk_id),
	FOREIGN KEY (workspace_id, trunk_id) REFERENCES trunk (workspace_id, id)
);

CREATE TABLE trunk_test (
	workspace_id uuid NOT NULL,
	id uuid NOT NULL,
	trunk_id uuid NOT NULL,
	asked_at timestamptz NOT NULL DEFAULT now(),
	taken_at timestamptz, -- by a dispatcher that has the dialer
	answered_at timestamptz,
	is_ok bool,
	sip int,
	reason text,
	latency_ms int8,
	state text CHECK (state IN ('up', 'down', 'throttled')),
	PRIMARY KEY (workspace_id, id),
	FOREIGN KEY (workspace_id, trunk_id) REFERENCES trunk (workspace_id, id)
);
-- Dispatchers and dialers know a trunk and a test by their ids alone.
CREATE UNIQUE INDEX trunk_test_id ON trunk_test (id);
CREATE INDEX trunk_test_waiting ON trunk_test (asked_at) WHERE taken_at IS NULL;
CREATE UNIQUE INDEX trunk_id ON trunk (id);
