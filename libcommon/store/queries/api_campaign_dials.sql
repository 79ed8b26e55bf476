-- The dials of a campaign's newest calls, at most $3 calls, in spans of time: of a bulk campaign those
-- whose place in the line has come, so that what stands in line behind is not looked through. Spans are
-- as long as it takes for no more than 120 of them. In each row also what is of all of them: the first
-- attempts among them and how late they were dialed, and the dials of the last minute.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 most int8
-- rows: at timestamptz, dials int8, answered int8, failed int8, span_s int8, calls int8,
--   late_p50_ms int8, late_p99_ms int8, late_max_ms int8, last_minute int8
WITH plan AS (
	SELECT k.workspace_id, k.id, k.kind, coalesce(p.next_slot, 0) AS next_slot,
		CASE WHEN p.line_at IS NOT NULL THEN ceil(extract(epoch FROM
			CASE k.status WHEN 'active' THEN now() ELSE k.updated_at END - p.line_at)
			* k.rate_per_minute / 60.0)::bigint + 1 END AS due_slot
	FROM campaign k
	LEFT JOIN campaign_plan p ON p.workspace_id = k.workspace_id AND p.campaign_id = k.id
	WHERE k.workspace_id = $1 AND k.id = $2
), open AS (
	-- Bounds as subqueries, each read once: so the index is walked from there, and for one kind of
	-- campaign only.
	(SELECT c.id, c.scheduled_at FROM scheduled_call c
	WHERE (SELECT kind FROM plan) = 'bulk' AND c.workspace_id = $1 AND c.campaign_id = $2
		AND c.slot IS NOT NULL AND c.slot < (SELECT least(next_slot, due_slot) FROM plan)
	ORDER BY c.slot DESC LIMIT $3)
	UNION ALL
	(SELECT c.id, c.scheduled_at FROM scheduled_call c
	WHERE (SELECT kind FROM plan) = 'recurring' AND c.workspace_id = $1 AND c.campaign_id = $2
	ORDER BY c.id DESC LIMIT $3)
), calls AS (
	SELECT id, scheduled_at FROM open
	UNION ALL
	(SELECT c.id, c.scheduled_at FROM scheduled_call_done c
	WHERE c.workspace_id = $1 AND c.campaign_id = $2
		AND c.id >= (SELECT uuid7_floor(k.created_at - interval '1 day') FROM campaign k
			WHERE k.workspace_id = $1 AND k.id = $2)
	ORDER BY c.id DESC LIMIT greatest(0, $3 - (SELECT count(*) FROM open)))
), dialed AS (
	-- OFFSET 0: each call's attempts by the key, never all attempts there are.
	SELECT d.dialed_at AS at, d.outcome, d.number, c.scheduled_at
	FROM calls c
	CROSS JOIN LATERAL (SELECT e.dialed_at, e.outcome, e.number FROM attempt_done e
		WHERE e.workspace_id = $1 AND e.call_id = c.id AND e.dialed_at IS NOT NULL OFFSET 0) d
	UNION ALL
	SELECT a.claimed_at, CASE WHEN a.bridged_at IS NOT NULL THEN 'answered' END, a.number,
		c.scheduled_at
	FROM calls c
	JOIN attempt a ON a.workspace_id = $1 AND a.call_id = c.id AND a.campaign_id = $2
), whole AS (
	SELECT min(at) AS first_at, max(at) AS last_at,
		count(*) FILTER (WHERE number = 1) AS calls,
		percentile_disc(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY CASE WHEN number = 1
			THEN greatest(0, extract(epoch FROM at - scheduled_at) * 1000)::bigint END)
			FILTER (WHERE number = 1) AS late,
		count(*) FILTER (WHERE at > now() - interval '1 minute') AS last_minute
	FROM dialed
), span AS MATERIALIZED (
	SELECT coalesce((SELECT s FROM unnest(ARRAY[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
			3600, 7200, 14400, 43200, 86400, 604800]) s
		WHERE extract(epoch FROM w.last_at - w.first_at) / s < 120 ORDER BY s LIMIT 1),
		31536000)::bigint AS s
	FROM whole w
)
SELECT date_bin(span.s * interval '1 second', d.at, timestamptz '2000-01-01 00:00:00+00') AS bin,
	count(*), count(*) FILTER (WHERE d.outcome IN ('answered', 'answered_machine')),
	count(*) FILTER (WHERE d.outcome NOT IN ('answered', 'answered_machine')),
	span.s, w.calls, w.late[1], w.late[2], w.late[3], w.last_minute
FROM dialed d, whole w, span
GROUP BY bin, span.s, w.calls, w.late, w.last_minute
ORDER BY bin
LIMIT 1000
