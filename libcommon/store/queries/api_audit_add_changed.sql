-- The audit line of a request about an object, where this very transaction has changed or deleted
-- it: what was refused, and what was so already, leaves none. It stands behind the statements of the
-- request. All units of a request share one line.
-- $1 workspace_id uuid
-- $2 id uuid
-- $3 key_id uuid
-- $4 action text
-- $5 subject text
-- $6 request_id text
-- $7 kind text
-- $8 subject_id uuid
INSERT INTO audit (workspace_id, id, key_id, action, subject, request_id)
SELECT $1, $2, $3, $4, $5, $6
FROM (SELECT pg_current_xact_id_if_assigned()::xid AS id) x
WHERE x.id IS NOT NULL AND CASE $7
	WHEN 'cmp' THEN EXISTS (SELECT FROM campaign_count k
			WHERE k.workspace_id = $1 AND k.campaign_id = $8 AND k.xmin = x.id)
		OR EXISTS (SELECT FROM campaign c
			WHERE c.workspace_id = $1 AND c.id = $8 AND c.xmin = x.id)
		OR NOT EXISTS (SELECT FROM campaign c WHERE c.workspace_id = $1 AND c.id = $8)
	WHEN 'tgt' THEN EXISTS (SELECT FROM target t
		WHERE t.workspace_id = $1 AND t.id = $8 AND t.xmin = x.id)
	WHEN 'call' THEN EXISTS (SELECT FROM scheduled_call c
		WHERE c.workspace_id = $1 AND c.id = $8 AND c.xmin = x.id)
	WHEN 'whk' THEN EXISTS (SELECT FROM webhook_endpoint e
		WHERE e.workspace_id = $1 AND e.id = $8 AND e.xmin = x.id)
	WHEN 'agt' THEN EXISTS (SELECT FROM agent a
		WHERE a.workspace_id = $1 AND a.id = $8 AND a.xmin = x.id)
	WHEN 'num' THEN EXISTS (SELECT FROM number n
		WHERE n.workspace_id = $1 AND n.id = $8 AND n.xmin = x.id)
	WHEN 'trk' THEN EXISTS (SELECT FROM trunk t
		WHERE t.workspace_id = $1 AND t.id = $8 AND t.xmin = x.id)
	WHEN 'key' THEN EXISTS (SELECT FROM api_key k
		WHERE k.workspace_id = $1 AND k.id = $8 AND k.xmin = x.id)
	WHEN 'cnv' THEN EXISTS (SELECT FROM hangup h
		WHERE h.workspace_id = $1 AND h.conversation_id = $8 AND h.xmin = x.id)
	WHEN 'sup' THEN NOT EXISTS (SELECT FROM suppression s
		WHERE s.workspace_id = $1 AND s.id = $8 AND s.xmin <> x.id)
	ELSE true
END
ON CONFLICT (workspace_id, id) DO NOTHING
