-- Locks the counters of a batch's campaigns, in order, for a unit that publishes more than once: the
-- first publish() locks the workspace's sequence, and whoever waits for that may hold counters.
-- $1 workspace_ids uuid[]
-- $2 campaign_ids uuid[]
-- rows: n int8
SELECT count(*) FROM (
	SELECT 1 FROM campaign_count k
	JOIN (SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[]) AS x (workspace_id, campaign_id)) a
		ON k.workspace_id = a.workspace_id AND k.campaign_id = a.campaign_id
	ORDER BY k.campaign_id FOR UPDATE OF k
) locked
