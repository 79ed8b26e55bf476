-- Imports in two steps: the file is taken in whole, block by block; then its blocks become targets,
-- one transaction each. An upload that breaks off leaves no target; what was taken in whole is
-- carried on by any gateway.

ALTER TABLE import
	ADD COLUMN owner uuid, -- the gateway at work on it; no other may write
	ADD COLUMN default_region text,
	ADD COLUMN bytes bigint NOT NULL DEFAULT 0,
	ADD COLUMN uploaded_at timestamptz, -- NULL while the file comes in
	ADD COLUMN completed_at timestamptz;
-- Running ones are few; those that nobody touches any more are looked for among them.
CREATE INDEX import_running ON import (id) WHERE status = 'running';
CREATE INDEX import_campaign ON import (workspace_id, campaign_id, id);

-- Good rows of a file, some thousand to a block, that are no targets yet.
CREATE TABLE import_block (
	workspace_id uuid NOT NULL,
	import_id uuid NOT NULL,
	n bigint NOT NULL,
	to_numbers text[] NOT NULL,
	names text[] NOT NULL,
	external_ids text[] NOT NULL,
	timezones text[] NOT NULL,
	variables jsonb[] NOT NULL,
	PRIMARY KEY (workspace_id, import_id, n),
	FOREIGN KEY (workspace_id, import_id) REFERENCES import (workspace_id, id) ON DELETE CASCADE
);

-- What was wrong with rows: lines of errors.csv, as they are sent.
CREATE TABLE import_error (
	workspace_id uuid NOT NULL,
	import_id uuid NOT NULL,
	n bigint NOT NULL,
	lines text NOT NULL,
	PRIMARY KEY (workspace_id, import_id, n),
	FOREIGN KEY (workspace_id, import_id) REFERENCES import (workspace_id, id) ON DELETE CASCADE
);
