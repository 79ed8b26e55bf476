-- A function of this session that applies one migration: waits for the lock that lets one migrator
-- work at a time, refuses a file that was changed after it was applied, and answers whether there
-- was anything to do. Made here and not by a migration, because the first migration needs it too.
CREATE OR REPLACE FUNCTION pg_temp.apply_migration(
	want_version int, want_name text, want_sha256 bytea, script text, wait_ms int)
RETURNS boolean LANGUAGE plpgsql AS '
DECLARE
	known record;
BEGIN
	PERFORM set_config(''lock_timeout'', wait_ms::text, true);
	PERFORM pg_advisory_xact_lock(hashtextextended(''belfry schema migration'', 0));
	CREATE TABLE IF NOT EXISTS schema_migration (
		version int PRIMARY KEY,
		name text NOT NULL,
		sha256 bytea NOT NULL,
		applied_at timestamptz NOT NULL DEFAULT now());
	SELECT m.name, m.sha256 INTO known FROM schema_migration m WHERE m.version = want_version;
	IF FOUND THEN
		IF known.sha256 <> want_sha256 THEN
			RAISE EXCEPTION ''migration % was applied as another text than % has now'',
				known.name, want_name USING ERRCODE = ''BF001'';
		END IF;
		RETURN false;
	END IF;
	IF EXISTS (SELECT FROM schema_migration m WHERE m.version > want_version) THEN
		RAISE EXCEPTION ''migration % comes before one that was already applied'', want_name
			USING ERRCODE = ''BF002'';
	END IF;
	EXECUTE script;
	INSERT INTO schema_migration (version, name, sha256)
	VALUES (want_version, want_name, want_sha256);
	RETURN true;
END'
