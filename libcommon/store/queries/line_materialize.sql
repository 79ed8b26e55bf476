-- Turns a bulk campaign's next pending targets into calls, each with its slot in the line, up to
-- the horizon: one transaction of at most $5 calls, no row travels to the client. Under the epoch
-- of the leader that runs it.
-- Repeated or cut short it does nothing twice: a target becomes `scheduled` with its call, once.
-- $1 epoch int8
-- $2 workspace_id uuid
-- $3 campaign_id uuid
-- $4 until timestamptz
-- $5 most int8
-- rows: made int8, next_slot int8, position int8, is_dry bool, deliveries int8
WITH lead AS (
	SELECT 1 FROM leader WHERE name = 'scheduler' AND epoch = $1 FOR SHARE
), camp AS (
	SELECT k.workspace_id, k.id, k.kind, k.agent_id, k.number_id, k.variables,
		k.rate_per_minute AS rate, n.e164
	FROM campaign k
	JOIN number n ON n.workspace_id = k.workspace_id AND n.id = k.number_id
	WHERE k.workspace_id = $2 AND k.id = $3 AND k.status = 'active' AND EXISTS (SELECT FROM lead)
	FOR KEY SHARE OF k
), plan AS (
	SELECT p.campaign_id, p.position, p.next_slot, p.line_at, camp.rate,
		greatest(0, least($5, floor(extract(epoch FROM $4 - p.line_at) * camp.rate / 60)::bigint
			- p.next_slot + 1)) AS room
	FROM campaign_plan p
	JOIN camp ON camp.workspace_id = p.workspace_id AND camp.id = p.campaign_id
	WHERE p.line_at IS NOT NULL
	FOR UPDATE OF p
), picked AS (
	SELECT t.id, t.position FROM plan
	CROSS JOIN LATERAL pending_targets(plan.campaign_id, plan.position, plan.room) t
), moved AS (
	UPDATE target t SET status = 'scheduled', updated_at = now()
	WHERE t.workspace_id = $2 AND t.id = ANY (ARRAY(SELECT id FROM picked)) AND t.status = 'pending'
	RETURNING t.id, t.to_number, t.external_id, t.variables, t.position
), placed AS (
	SELECT m.id, m.to_number, m.external_id, m.variables, plan.line_at, plan.rate,
		plan.next_slot + row_number() OVER (ORDER BY m.position) - 1 AS slot
	FROM moved m, plan
), made AS (
	INSERT INTO scheduled_call AS c (workspace_id, id, campaign_id, target_id, number_id, agent_id,
		slot, to_number, from_number, external_id, variables, created_at, updated_at, status,
		scheduled_at)
	SELECT $2, uuid7(now(), m.slot), $3, m.id, camp.number_id, camp.agent_id, m.slot, m.to_number,
		camp.e164, m.external_id, coalesce(camp.variables || m.variables, camp.variables,
		m.variables), now(), now(), 'scheduled',
		m.line_at + (m.slot * 60000 / m.rate) * interval '1 millisecond'
	FROM placed m, camp
	ORDER BY m.slot
	RETURNING c AS call, c.slot
), advanced AS (
	UPDATE campaign_plan p SET next_slot = p.next_slot + x.n, position = x.last
	FROM (SELECT count(*) AS n, max(position) AS last FROM picked) x
	WHERE p.workspace_id = $2 AND p.campaign_id = $3 AND x.n > 0
	RETURNING p.next_slot, p.position
), counted AS (
	UPDATE campaign_count k SET pending = k.pending - x.n, scheduled = k.scheduled + x.n
	FROM (SELECT count(*) AS n FROM moved) x
	WHERE k.workspace_id = $2 AND k.campaign_id = $3 AND x.n > 0
	RETURNING k.pending
)
SELECT (SELECT count(*) FROM made), coalesce(a.next_slot, plan.next_slot),
	coalesce(a.position, plan.position),
	plan.room > 0 AND NOT EXISTS (SELECT FROM picked),
	(SELECT publish(array_agg(ROW('scheduled_call.created', $2, now(), camp.kind, made.call, NULL,
		NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::publishable
		ORDER BY made.slot))
	FROM made, (SELECT count(*) FROM counted) c)
FROM plan
CROSS JOIN camp
LEFT JOIN advanced a ON true
