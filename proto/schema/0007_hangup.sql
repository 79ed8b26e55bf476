-- Conversations that the API was asked to hang up: read by the dispatcher that holds the attempt,
-- deleted with the attempt's end. Few rows at any time.
CREATE TABLE hangup (
	workspace_id uuid NOT NULL,
	attempt_id uuid NOT NULL,
	conversation_id uuid NOT NULL,
	requested_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace_id, attempt_id)
);
