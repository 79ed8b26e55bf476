-- A campaign's imports, newest first, with the columns of api_import_get.
-- $1 workspace_id uuid
-- $2 campaign_id uuid
-- $3 before uuid
-- $4 most int8
-- rows: id uuid, campaign_id uuid, status text, reason text, received int8, inserted int8,
--   deduped int8, rejected int8, bytes int8, default_region text, created_at timestamptz,
--   updated_at timestamptz, uploaded_at timestamptz, completed_at timestamptz
SELECT i.id, i.campaign_id, i.status, i.reason, i.received, i.inserted, i.deduped, i.rejected, i.bytes,
	i.default_region, i.created_at, i.updated_at, i.uploaded_at, i.completed_at
FROM import i WHERE i.workspace_id = $1 AND i.campaign_id = $2 AND i.id < $3
ORDER BY i.id DESC LIMIT $4
