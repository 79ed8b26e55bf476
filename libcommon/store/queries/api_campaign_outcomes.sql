-- A campaign's targets by the outcome of their last attempt, and the dials made.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- rows: outcome text, targets int8, dials int8
SELECT t.outcome, count(*), sum(t.attempts)::bigint FROM target t
WHERE t.workspace_id = $1 AND t.campaign_id = $2
GROUP BY t.outcome ORDER BY t.outcome NULLS FIRST
