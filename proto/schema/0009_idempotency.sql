-- One line for each POST under a key: no lookup and no lock on the workspace's row for each of them, as
-- for the audit trail. The workspace is the key's.
ALTER TABLE idempotency DROP CONSTRAINT idempotency_workspace_id_fkey;
