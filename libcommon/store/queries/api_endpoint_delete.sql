-- Deletes a webhook endpoint: nothing new is delivered to it.
-- $1 workspace_id uuid
-- $2 endpoint_id uuid
UPDATE webhook_endpoint SET deleted_at = now(), updated_at = now(), status = 'disabled'
WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL
