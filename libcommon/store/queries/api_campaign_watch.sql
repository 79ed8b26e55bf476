-- What watchers of campaigns are shown, for all of them at once; no row for one that is gone.
-- $1 workspace_ids uuid[]
-- $2 campaign_ids uuid[]
-- rows: workspace_id uuid, id uuid, status text, status_reason text, total int8, pending int8,
--   scheduled int8, dispatched int8, failed int8, skipped int8, updated_at timestamptz,
--   started_at timestamptz, completed_at timestamptz
SELECT c.workspace_id, c.id, c.status, c.status_reason, k.total, k.pending, k.scheduled, k.dispatched,
	k.failed, k.skipped, c.updated_at, c.started_at, c.completed_at
FROM unnest($1::uuid[], $2::uuid[]) AS w (workspace_id, id)
JOIN campaign c ON c.workspace_id = w.workspace_id AND c.id = w.id
JOIN campaign_count k ON k.workspace_id = c.workspace_id AND k.campaign_id = c.id
