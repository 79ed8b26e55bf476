-- Keeps a call's campaign, if it has one, from being paused, cancelled or deleted until the unit has
-- ended. Its own statement, so that the next one sees what those committed before.
-- $1 workspace_id uuid
-- $2 call_id uuid
-- rows: status text
SELECT k.status FROM scheduled_call c
JOIN campaign k ON k.workspace_id = c.workspace_id AND k.id = c.campaign_id
WHERE c.workspace_id = $1 AND c.id = $2
FOR KEY SHARE OF k
