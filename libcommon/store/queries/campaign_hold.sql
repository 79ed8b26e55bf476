-- The engine pauses campaigns for a reason that retrying cannot mend, and says so: active ones, and
-- recurring ones that were paused on request, whose calls would go on otherwise. For
-- insufficient_credit only while there is none: run under campaign_lock, after which a resume comes
-- later.
-- $1 campaign_ids uuid[]
-- $2 reason text
-- rows: campaign_id uuid, deliveries int8
WITH held AS (
	UPDATE campaign k SET status = 'paused', status_reason = $2, updated_at = now()
	WHERE k.id = ANY ($1) AND (k.status = 'active'
			OR (k.status = 'paused' AND k.status_reason IS NULL AND k.kind = 'recurring'))
		AND ($2 <> 'insufficient_credit' OR (SELECT w.credit_s FROM workspace w
			WHERE w.id = k.workspace_id) <= 0)
	RETURNING k.*
), told AS MATERIALIZED (
	SELECT publish(array_agg(ROW('campaign.paused', h.workspace_id, h.updated_at, h.kind, NULL, NULL,
		NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, h.id,
		json_build_object('name', h.name, 'status', h.status, 'status_reason', h.status_reason)::text
		)::publishable ORDER BY h.id)) AS n
	FROM held h
)
SELECT h.id, t.n FROM held h CROSS JOIN told t
