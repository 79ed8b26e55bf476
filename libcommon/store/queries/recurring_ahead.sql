-- First attempts that nobody has claimed and whose instant is ahead, of these campaigns' schedules.
-- $1 campaign_ids uuid[]
-- $2 most int8
-- rows: campaign_id uuid, call_id uuid, key text, due_at timestamptz, retry_before timestamptz
SELECT c.campaign_id, c.id, c.occurrence_key, c.due_at, c.retry_before
FROM scheduled_call c
JOIN campaign k ON k.workspace_id = c.workspace_id AND k.id = c.campaign_id
WHERE c.campaign_id = ANY ($1) AND c.status = 'scheduled' AND c.dials = 0
	AND c.occurrence_key IS NOT NULL AND c.schedule_version = k.schedule_version
	AND c.due_at > clock_timestamp()
ORDER BY c.campaign_id, c.due_at
LIMIT $2
