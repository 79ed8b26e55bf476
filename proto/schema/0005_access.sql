-- Keys made over the API, and the audit trail of what was done with them.

-- One line for each change, also of ad hoc calls: no lookup and no lock on the workspace's row for
-- each of them. The workspace is the key's.
ALTER TABLE audit DROP CONSTRAINT audit_workspace_id_fkey;
CREATE INDEX audit_action ON audit (workspace_id, action, id);
CREATE INDEX audit_key ON audit (workspace_id, key_id, id) WHERE key_id IS NOT NULL;
CREATE INDEX audit_subject ON audit (workspace_id, subject, id);
