-- The claim: scheduled -> dialing, with everything checked again, and an attempt opened for each
-- call that passed. One row per call asked for; `verdict` says claimed, or why not:
--   gone       the call is no longer waiting under this entry (claimed elsewhere, cancelled, moved)
--   held       its campaign does not dial now
--   suppressed  its number is on the workspace's list: call_unmade ends it
--   no_credit  the workspace has none left: its campaign is paused, or call_unmade ends it
--   expired    it is later than its catch_up_s allows: call_unmade ends it
--   window     its campaign has calling windows, and the caller does not say, from this version of
--              the campaign, that they are open: `open_until`, by Postgres' clock, which such a row
--              tells as claimed_at. With the windows' zones; with the windows themselves only if the
--              caller knows another version of the campaign, or none.
--   busy       a concurrency cap is reached
--   no_dialer  this dispatcher has no live dialer of the trunk's kind
-- An entry whose earlier claim by the same attempt id took effect unheard is claimed again.
-- $1 dispatcher_id uuid
-- $2 workspace_ids uuid[]
-- $3 call_ids uuid[]
-- $4 attempt_ids uuid[]
-- $5 due_at timestamptz[]
-- $6 in_line bool[]
-- $7 dialers text[]
-- $8 dialer_instances text[]
-- $9 windows_of timestamptz[]
-- $10 open_until timestamptz[]
-- rows: ord int8, verdict text, claimed_at timestamptz, number int2, counted int2,
--   rate_limited int2, carrier_errors int2, agent_unavailable int2, max_attempts int2,
--   retry_policy jsonb, to_number text, from_number text, agent jsonb, trunk_id uuid, dialer text,
--   ring_timeout_s int4, max_duration_s int4, variables jsonb, target_id uuid,
--   retry_before timestamptz, campaign_at timestamptz, calling_windows jsonb,
--   campaign_timezone text, target_timezone text
WITH asked AS (
	SELECT a.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::bool[],
		$9::timestamptz[], $10::timestamptz[]) WITH ORDINALITY
		AS a (workspace_id, call_id, attempt_id, due_at, in_line, windows_of, open_until, ord)
), seen AS (
	SELECT a.ord, a.workspace_id, a.call_id, a.attempt_id, a.due_at, a.in_line, a.windows_of,
		c.campaign_id, c.target_id, c.number_id, c.status = 'dialing' AND c.attempt_id = a.attempt_id AS is_mine,
		w.max_concurrent AS w_max, k.max_concurrent AS k_max, n.max_concurrent AS n_max,
		coalesce(c.max_attempts, k.max_attempts, 1) AS max_attempts,
		coalesce(c.retry_policy, k.retry_policy) AS retry_policy,
		g.endpoint AS agent, n.trunk_id, d.name AS dialer, d.instance,
		coalesce(k.ring_timeout_s, 30) AS ring_timeout_s,
		coalesce(k.max_duration_s, 3600) AS max_duration_s,
		CASE
		WHEN c.status = 'dialing' AND c.attempt_id = a.attempt_id THEN NULL
		WHEN c.id IS NULL OR c.status <> 'scheduled' OR a.in_line <> (c.due_at IS NULL)
			OR c.due_at > a.due_at THEN 'gone'
		WHEN k.id IS NOT NULL AND k.status <> 'active' AND NOT (k.kind = 'recurring'
			AND k.status = 'paused' AND k.status_reason IS NULL) THEN 'held'
		-- Not EXISTS: the planner may hash that, which reads the list as a whole.
		WHEN (SELECT x.id FROM suppression x WHERE x.workspace_id = c.workspace_id
			AND x.to_number = c.to_number) IS NOT NULL THEN 'suppressed'
		WHEN w.credit_s <= 0 THEN 'no_credit'
		WHEN c.due_at < clock_timestamp() - c.catch_up_s * interval '1 second' THEN 'expired'
		WHEN k.calling_windows IS NOT NULL AND (a.windows_of = k.updated_at
			AND a.open_until > clock_timestamp()) IS NOT TRUE THEN 'window'
		WHEN d.name IS NULL THEN 'no_dialer'
		END AS refusal
	FROM asked a
	LEFT JOIN scheduled_call c ON c.workspace_id = a.workspace_id AND c.id = a.call_id
	LEFT JOIN campaign k ON k.workspace_id = c.workspace_id AND k.id = c.campaign_id
	LEFT JOIN workspace w ON w.id = c.workspace_id
	LEFT JOIN number n ON n.workspace_id = c.workspace_id AND n.id = c.number_id
	LEFT JOIN trunk t ON t.workspace_id = n.workspace_id AND t.id = n.trunk_id
	LEFT JOIN agent g ON g.workspace_id = c.workspace_id AND g.id = c.agent_id
	LEFT JOIN unnest($7::text[], $8::text[]) AS d (name, instance) ON d.name = t.dialer
), load AS (
	-- Open attempts in the capped scopes. The open ones are few and stand together by
	-- workspace; where nothing is capped this reads nothing.
	SELECT s.workspace_id, x.campaign_id, x.number_id, count(*) AS n
	FROM (SELECT DISTINCT workspace_id FROM seen
		WHERE refusal IS NULL AND coalesce(k_max, w_max, n_max) IS NOT NULL) s
	JOIN attempt x ON x.workspace_id = s.workspace_id
	GROUP BY s.workspace_id, x.campaign_id, x.number_id
), ranked AS (
	SELECT s.*,
		row_number() OVER (PARTITION BY s.campaign_id ORDER BY s.ord) AS k_rank,
		row_number() OVER (PARTITION BY s.workspace_id ORDER BY s.ord) AS w_rank,
		row_number() OVER (PARTITION BY s.number_id ORDER BY s.ord) AS n_rank
	FROM seen s WHERE s.refusal IS NULL AND s.is_mine IS NOT TRUE
), fit AS (
	SELECT r.* FROM ranked r
	WHERE (r.k_max IS NULL OR r.k_rank + coalesce((SELECT sum(l.n) FROM load l
			WHERE l.campaign_id = r.campaign_id), 0) <= r.k_max)
	AND (r.w_max IS NULL OR r.w_rank + coalesce((SELECT sum(l.n) FROM load l
			WHERE l.workspace_id = r.workspace_id), 0) <= r.w_max)
	AND (r.n_max IS NULL OR r.n_rank + coalesce((SELECT sum(l.n) FROM load l
			WHERE l.number_id = r.number_id), 0) <= r.n_max)
), claimed AS (
	UPDATE scheduled_call c SET status = 'dialing', attempt_id = f.attempt_id,
		scheduled_at = CASE WHEN f.in_line THEN f.due_at ELSE c.scheduled_at END,
		dials = c.dials + 1, updated_at = now()
	FROM fit f
	WHERE c.workspace_id = f.workspace_id AND c.id = f.call_id AND c.status = 'scheduled'
	RETURNING f.ord, f.workspace_id, f.attempt_id, f.call_id, f.campaign_id, f.number_id,
		f.trunk_id, f.dialer, f.instance, f.ring_timeout_s, f.max_duration_s, f.max_attempts,
		f.retry_policy, f.agent, c.dials, c.counted, c.rate_limited, c.carrier_errors,
		c.agent_unavailable, c.to_number, c.from_number, c.variables, c.target_id,
		c.retry_before, clock_timestamp() AS claimed_at
), opened AS (
	INSERT INTO attempt (workspace_id, id, call_id, campaign_id, target_id, number_id, trunk_id,
		number, dispatcher_id, dialer, dialer_instance, ring_timeout_s, max_duration_s,
		claimed_at)
	SELECT workspace_id, attempt_id, call_id, campaign_id, target_id, number_id, trunk_id, dials,
		$1, dialer, instance, ring_timeout_s, max_duration_s, claimed_at
	FROM claimed
), answered AS (
	SELECT ord, 'claimed' AS verdict, claimed_at, dials, counted, rate_limited, carrier_errors,
		agent_unavailable, max_attempts, retry_policy, to_number, from_number, agent, trunk_id,
		dialer, ring_timeout_s, max_duration_s, variables, target_id, retry_before,
		NULL::timestamptz AS campaign_at, NULL::jsonb AS calling_windows,
		NULL::text AS campaign_timezone, NULL::text AS target_timezone
	FROM claimed
	UNION ALL
	SELECT s.ord, 'claimed', x.claimed_at, c.dials, c.counted, c.rate_limited, c.carrier_errors,
		c.agent_unavailable, s.max_attempts, s.retry_policy, c.to_number, c.from_number, s.agent,
		s.trunk_id, x.dialer, s.ring_timeout_s, s.max_duration_s, c.variables, c.target_id,
		c.retry_before, NULL, NULL, NULL, NULL
	FROM seen s
	-- OFFSET 0: looked up call by call. Of three tables joined by their workspace the planner may
	-- read all calls of it for each attempt.
	CROSS JOIN LATERAL (
		SELECT c.dials, c.counted, c.rate_limited, c.carrier_errors, c.agent_unavailable,
			c.to_number, c.from_number, c.variables, c.target_id, c.retry_before
		FROM scheduled_call c WHERE c.workspace_id = s.workspace_id AND c.id = s.call_id OFFSET 0
	) c
	JOIN attempt x ON x.workspace_id = s.workspace_id AND x.id = s.attempt_id
	WHERE s.is_mine
	UNION ALL
	-- Uncorrelated, so that it is hashed: joins of these lists would be quadratic, since the
	-- planner takes each for one row.
	SELECT s.ord, coalesce(s.refusal, CASE WHEN s.ord IN (SELECT ord FROM fit) THEN 'gone'
		ELSE 'busy' END), clock_timestamp(), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
		NULL, NULL, NULL, NULL, NULL, NULL, NULL, s.target_id, NULL, k.updated_at,
		CASE WHEN s.windows_of IS DISTINCT FROM k.updated_at THEN k.calling_windows END,
		k.timezone, t.timezone
	FROM seen s
	LEFT JOIN campaign k ON s.refusal = 'window' AND k.workspace_id = s.workspace_id
		AND k.id = s.campaign_id
	LEFT JOIN target t ON k.id IS NOT NULL AND t.workspace_id = s.workspace_id
		AND t.id = s.target_id
	WHERE s.is_mine IS NOT TRUE AND s.ord NOT IN (SELECT ord FROM claimed)
)
SELECT ord, verdict, claimed_at, dials, counted, rate_limited, carrier_errors, agent_unavailable,
	max_attempts::smallint, retry_policy, to_number, from_number, agent, trunk_id, dialer,
	ring_timeout_s, max_duration_s, variables, target_id, retry_before, campaign_at,
	calling_windows, campaign_timezone, target_timezone
FROM answered
ORDER BY ord
