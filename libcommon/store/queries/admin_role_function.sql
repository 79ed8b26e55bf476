-- A function of this session that gives the gateway's role its rights: all that it had is taken away,
-- and the script of grants is run. With a password the role is made where it lacks and gets that
-- password; without one, and without the role, nothing is done. Answers whether there is the role.
CREATE OR REPLACE FUNCTION pg_temp.give_rights(password text, script text)
RETURNS boolean LANGUAGE plpgsql AS '
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended(''belfry schema migration'', 0));
	IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = ''belfry_gateway'') THEN
		IF password = '''' THEN
			RETURN false;
		END IF;
		CREATE ROLE belfry_gateway;
	END IF;
	IF password <> '''' THEN
		EXECUTE format(''ALTER ROLE belfry_gateway LOGIN PASSWORD %L'', password);
	END IF;
	-- Who makes or drops a partition has a row of this locked. Neither would bear that the other changes
	-- the same rows of the catalogue (tuple concurrently updated).
	LOCK TABLE history IN EXCLUSIVE MODE;
	-- What everybody may do otherwise.
	EXECUTE format(''REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC'', current_database());
	REVOKE CREATE ON SCHEMA public FROM PUBLIC;
	REVOKE ALL ON ALL TABLES IN SCHEMA public FROM belfry_gateway;
	EXECUTE script;
	RETURN true;
END'
