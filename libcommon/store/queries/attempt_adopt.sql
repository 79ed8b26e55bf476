-- Takes over open attempts whose dialer this dispatcher reaches: those of an earlier incarnation of
-- its own slot at once, those of others once their lease has lapsed; and names again its own of $5,
-- which it does not know: a claim or an adoption whose answer was lost leaves such. The longest open
-- first; two adopters share (SKIP LOCKED).
-- $1 dispatcher_id uuid
-- $2 host text
-- $3 slot int4
-- $4 dialer_instances text[]
-- $5 own_ids uuid[]
-- $6 most int8
-- rows: workspace_id uuid, attempt_id uuid, call_id uuid, campaign_id uuid, target_id uuid,
--   number_id uuid, trunk_id uuid, number int2, dialer text, dialer_instance text,
--   ring_timeout_s int4, max_duration_s int4, claimed_at timestamptz, answered_at timestamptz,
--   bridged_at timestamptz, counted int2, rate_limited int2, carrier_errors int2,
--   agent_unavailable int2, max_attempts int2, retry_policy jsonb, retry_before timestamptz,
--   shard int2, is_own bool
WITH lapsed AS (
	SELECT d.id, d.id = $1 AS is_own FROM dispatcher d
	WHERE (d.id = $1 AND cardinality($5) > 0) OR d.lease_until < now()
		OR (d.host = $2 AND d.slot = $3 AND d.id <> $1)
), found AS (
	SELECT a.workspace_id, a.id, l.is_own
	FROM lapsed l JOIN attempt a ON a.dispatcher_id = l.id
	WHERE a.dialer_instance = ANY ($4) AND (NOT l.is_own OR a.id = ANY ($5))
	ORDER BY a.claimed_at
	LIMIT $6
	FOR UPDATE OF a SKIP LOCKED
), taken AS (
	UPDATE attempt a SET dispatcher_id = $1 FROM found f
	WHERE a.workspace_id = f.workspace_id AND a.id = f.id
	RETURNING a.*, f.is_own
)
SELECT t.workspace_id, t.id, t.call_id, t.campaign_id, t.target_id, t.number_id, t.trunk_id,
	t.number, t.dialer, t.dialer_instance, t.ring_timeout_s, t.max_duration_s, t.claimed_at,
	t.answered_at, t.bridged_at, c.counted, c.rate_limited, c.carrier_errors,
	c.agent_unavailable, coalesce(c.max_attempts, k.max_attempts, 1)::smallint,
	coalesce(c.retry_policy, k.retry_policy), c.retry_before, w.shard, t.is_own
FROM taken t
CROSS JOIN LATERAL ( -- as in claim_calls
	SELECT c.counted, c.rate_limited, c.carrier_errors, c.agent_unavailable, c.max_attempts,
		c.retry_policy, c.retry_before
	FROM scheduled_call c WHERE c.workspace_id = t.workspace_id AND c.id = t.call_id OFFSET 0
) c
JOIN workspace w ON w.id = t.workspace_id
LEFT JOIN campaign k ON k.workspace_id = t.workspace_id AND k.id = t.campaign_id
