-- Calls that end without being dialed (again): scheduled -> failed, with target, counters and event,
-- by the outcome that is said of each, if that is still so:
--   expired       without `windows_of` because the call is later than its catch_up_s allows; with it
--                 because its calling window is closed (of a recurring campaign) or never opens, as
--                 judged from that version of the campaign
--   suppressed    its number is on the workspace's list
--   config_error  the workspace has no credit, and there is no campaign to pause
-- Only as long as the call still waits under the entry that was claimed with. One row per call that
-- failed; `deliveries` are those of all.
-- $1 workspace_ids uuid[]
-- $2 call_ids uuid[]
-- $3 due_at timestamptz[]
-- $4 in_line bool[]
-- $5 windows_of timestamptz[]
-- $6 outcomes text[]
-- rows: ord int8, deliveries int8
WITH said AS (
	SELECT s.* FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bool[],
		$5::timestamptz[], $6::text[]) WITH ORDINALITY
		AS s (workspace_id, call_id, due_at, in_line, windows_of, outcome, ord)
), picked AS (
	SELECT s.*, k.kind
	FROM said s
	JOIN scheduled_call c ON c.workspace_id = s.workspace_id AND c.id = s.call_id
	LEFT JOIN campaign k ON k.workspace_id = c.workspace_id AND k.id = c.campaign_id
	WHERE c.status = 'scheduled' AND s.in_line = (c.due_at IS NULL)
		AND (c.due_at > s.due_at) IS NOT TRUE
		AND CASE s.outcome
		WHEN 'suppressed' THEN EXISTS (SELECT FROM suppression x
			WHERE x.workspace_id = c.workspace_id AND x.to_number = c.to_number)
		WHEN 'config_error' THEN c.campaign_id IS NULL AND (SELECT w.credit_s FROM workspace w
			WHERE w.id = c.workspace_id) <= 0
		WHEN 'expired' THEN CASE WHEN s.windows_of IS NULL
			THEN c.due_at < clock_timestamp() - c.catch_up_s * interval '1 second'
			ELSE k.updated_at = s.windows_of END
		END
	ORDER BY c.id
	FOR UPDATE OF c
), called AS (
	UPDATE scheduled_call c SET status = 'failed', outcome = p.outcome, updated_at = now()
	FROM picked p
	WHERE c.workspace_id = p.workspace_id AND c.id = p.call_id
	RETURNING p.ord, p.kind, p.outcome, c.workspace_id, c.campaign_id, c.target_id, c AS call
), reached AS (
	UPDATE target t SET status = 'failed', outcome = c.outcome, updated_at = now()
	FROM called c
	WHERE t.workspace_id = c.workspace_id AND t.id = c.target_id AND t.status = 'scheduled'
	RETURNING t.workspace_id, t.campaign_id
), moved AS (
	-- Counted are the calls of a recurring campaign, the targets of a bulk one.
	SELECT workspace_id, campaign_id, count(*) AS n
	FROM (SELECT workspace_id, campaign_id FROM called
			WHERE target_id IS NULL AND campaign_id IS NOT NULL
		UNION ALL SELECT workspace_id, campaign_id FROM reached) x
	GROUP BY 1, 2
), locked AS (
	SELECT m.* FROM campaign_count k JOIN moved m USING (workspace_id, campaign_id)
	ORDER BY k.campaign_id FOR UPDATE OF k
), counted AS (
	UPDATE campaign_count k SET scheduled = k.scheduled - l.n, failed = k.failed + l.n
	FROM locked l
	WHERE k.workspace_id = l.workspace_id AND k.campaign_id = l.campaign_id
	RETURNING 1
), told AS MATERIALIZED (
	SELECT publish(array_agg(ROW('scheduled_call.failed', c.workspace_id, now(), c.kind, c.call,
		NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::publishable
		ORDER BY c.ord)) AS n
	FROM called c
	CROSS JOIN (SELECT count(*) FROM counted) done
)
SELECT c.ord, t.n FROM told t CROSS JOIN called c
