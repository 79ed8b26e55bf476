-- The requests that started campaigns, as a tracestate. Set before the first call of a campaign, and
-- never changed; null for one that a version before this one started.
-- $1 workspace_ids uuid[]
-- $2 campaign_ids uuid[]
-- rows: campaign_id uuid, tracestate text
SELECT k.id, k.tracestate FROM campaign k
WHERE (k.workspace_id, k.id) IN (
	SELECT a.workspace_id, a.campaign_id
	FROM unnest($1::uuid[], $2::uuid[]) AS a (workspace_id, campaign_id))
