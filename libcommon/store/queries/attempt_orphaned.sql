-- Open attempts that nobody could adopt: the lease of their dispatcher lapsed before $1. The
-- leading scheduler ends them as uncertain, or as lost where a conversation had begun.
-- $1 lapsed_before timestamptz
-- $2 most int8
-- rows: workspace_id uuid, attempt_id uuid, dispatcher_id uuid, call_id uuid, campaign_id uuid,
--   number_id uuid, shard int2, bridged_at timestamptz, claimed_at timestamptz, counted int2,
--   rate_limited int2, carrier_errors int2, agent_unavailable int2, max_attempts int2,
--   retry_policy jsonb, retry_before timestamptz
SELECT a.workspace_id, a.id, a.dispatcher_id, a.call_id, a.campaign_id, a.number_id, w.shard,
	a.bridged_at, a.claimed_at, c.counted, c.rate_limited, c.carrier_errors, c.agent_unavailable,
	coalesce(c.max_attempts, k.max_attempts, 1)::smallint,
	coalesce(c.retry_policy, k.retry_policy), c.retry_before
FROM dispatcher d
JOIN attempt a ON a.dispatcher_id = d.id
JOIN scheduled_call c ON c.workspace_id = a.workspace_id AND c.id = a.call_id
JOIN workspace w ON w.id = a.workspace_id
LEFT JOIN campaign k ON k.workspace_id = a.workspace_id AND k.id = a.campaign_id
WHERE d.lease_until < $1
ORDER BY a.dispatcher_id, a.id
LIMIT $2
