-- The newest migration that stands.
-- rows: version int4
SELECT max(version) AS version FROM schema_migration
