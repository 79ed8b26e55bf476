-- What an ad hoc call refers to, its agent and number, where the workspace has them; the limits and
-- the shard that it is paced by; and whether there is credit for it.
-- $1 workspace_id uuid
-- $2 agent_id uuid
-- $3 from_number text
-- rows: agent_id uuid, number_id uuid, shard int2, workspace_per_minute int4,
--   number_per_minute int4, has_credit bool
SELECT (SELECT a.id FROM agent a
		WHERE a.workspace_id = $1 AND a.id = $2 AND a.deleted_at IS NULL),
	n.id, w.shard, w.calls_per_minute, n.calls_per_minute, coalesce(w.credit_s > 0, true)
FROM workspace w
LEFT JOIN number n ON n.workspace_id = $1 AND n.e164 = $3 AND n.deleted_at IS NULL
WHERE w.id = $1
