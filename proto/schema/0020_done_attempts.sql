-- The ended attempts at some calls, planned once: a page of calls asks for them, and making the plan
-- anew took longer the more partitions there were (docs/history.md).
CREATE FUNCTION done_attempts(workspace uuid, calls uuid[]) RETURNS SETOF attempt_done
LANGUAGE plpgsql STABLE ROWS 50
SET enable_bitmapscan = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	low uuid := (SELECT x FROM unnest(calls) x ORDER BY x LIMIT 1);
	high uuid := (SELECT x FROM unnest(calls) x ORDER BY x DESC LIMIT 1);
BEGIN
	-- An array leaves no partition out, its ends do.
	RETURN QUERY SELECT d.* FROM attempt_done d
	WHERE d.workspace_id = workspace AND d.call_id = ANY (calls) AND d.call_id >= low AND d.call_id <= high;
END
$$;
