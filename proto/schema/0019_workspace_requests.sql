-- How many requests a minute all keys and sessions of a workspace may make together. NULL: what the
-- gateways' setting says, which is no limit where nothing is set.
ALTER TABLE workspace ADD COLUMN requests_per_minute int
	CHECK (requests_per_minute BETWEEN 1 AND 6000000);
