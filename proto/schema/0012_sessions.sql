-- Sessions of the dashboard. A session is a key that a browser holds as a cookie: it may what its key
-- may, and ends with it.
CREATE TABLE session (
	workspace_id uuid NOT NULL,
	id uuid NOT NULL,
	key_id uuid NOT NULL,
	hash bytea NOT NULL UNIQUE, -- HMAC-SHA256 of the cookie, its name included, with the pepper
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL,
	PRIMARY KEY (workspace_id, id),
	FOREIGN KEY (workspace_id, key_id) REFERENCES api_key (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX session_key ON session (workspace_id, key_id, id);

-- The dialers that an incarnation has up, told with each renewal of its lease, for whoever asks how the
-- installation is.
ALTER TABLE dispatcher ADD COLUMN dialers text[] NOT NULL DEFAULT '{}';
