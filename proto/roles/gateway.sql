-- What the role of the gateway may do in the database: what its statements need and no more.
-- Made from them by `make rights`; tests/system/test_gateway_role.py holds it to them. Reading is
-- granted by table, since only who may read all of a table has the statistics of an index over an
-- expression; writing by column. belfry-admin migrate takes away what the role had, and runs this.
GRANT INSERT (workspace_id, id, name, endpoint, variables, created_at, updated_at) ON agent TO
    belfry_gateway;
GRANT SELECT ON agent TO belfry_gateway;
GRANT UPDATE (name, endpoint, variables, updated_at, deleted_at) ON agent TO belfry_gateway;
GRANT INSERT (workspace_id, id, name, prefix, last_four, hash, scopes, rate_per_minute, expires_at,
    created_at) ON api_key TO belfry_gateway;
GRANT SELECT ON api_key TO belfry_gateway;
GRANT UPDATE (revoked_at) ON api_key TO belfry_gateway;
GRANT SELECT ON attempt TO belfry_gateway;
GRANT UPDATE (workspace_id) ON attempt TO belfry_gateway;
GRANT SELECT ON attempt_done TO belfry_gateway;
GRANT INSERT (workspace_id, id, key_id, action, subject, request_id) ON audit TO belfry_gateway;
GRANT SELECT ON audit TO belfry_gateway;
GRANT INSERT (workspace_id, call_id, trace_id, flags, tracestate) ON call_trace TO belfry_gateway;
GRANT INSERT (workspace_id, id, kind, name, description, agent_id, number_id, variables, to_number,
    cron, timezone, end_at, rate_per_minute, max_concurrent, max_attempts, retry_policy,
    ring_timeout_s, max_duration_s, calling_windows, created_at, updated_at) ON campaign TO
    belfry_gateway;
GRANT SELECT ON campaign TO belfry_gateway;
GRANT UPDATE (name, description, status, status_reason, variables, cron, timezone, end_at,
    schedule_version, max_concurrent, max_attempts, retry_policy, ring_timeout_s, max_duration_s,
    calling_windows, updated_at, started_at, completed_at, tracestate) ON campaign TO
    belfry_gateway;
GRANT DELETE ON campaign TO belfry_gateway;
GRANT INSERT (workspace_id, campaign_id) ON campaign_count TO belfry_gateway;
GRANT SELECT ON campaign_count TO belfry_gateway;
GRANT UPDATE (total, pending, scheduled, skipped, next_position) ON campaign_count TO
    belfry_gateway;
GRANT INSERT (workspace_id, campaign_id) ON campaign_plan TO belfry_gateway;
GRANT SELECT ON campaign_plan TO belfry_gateway;
GRANT UPDATE (line_at, position, next_occurrence_at, planned_after, planned_nominal) ON
    campaign_plan TO belfry_gateway;
GRANT SELECT ON conversation TO belfry_gateway;
GRANT INSERT (workspace_id, endpoint_id, id, sequence, event_type, generation, created_at, due_at)
    ON delivery TO belfry_gateway;
GRANT SELECT ON delivery TO belfry_gateway;
GRANT SELECT ON delivery_attempt TO belfry_gateway;
GRANT SELECT ON delivery_done TO belfry_gateway;
GRANT UPDATE (replayed_as) ON delivery_done TO belfry_gateway;
GRANT INSERT (workspace_id, endpoint_id, from_sequence, to_sequence, events, created_at) ON
    delivery_range TO belfry_gateway;
GRANT SELECT ON delivery_range TO belfry_gateway;
GRANT SELECT ON dispatcher TO belfry_gateway;
GRANT INSERT (workspace_id, sequence, id, type, at, campaign_id, campaign_kind, call_id, target_id,
    agent_id, conversation_id, to_number, from_number, external_id, variables, call_created_at,
    scheduled_at, next_attempt_at, status, outcome, attempt_number, attempt_outcome, sip_code,
    started_at, ended_at, duration_ms, billed_s, end_reason, data) ON event TO belfry_gateway;
GRANT SELECT ON event TO belfry_gateway;
GRANT INSERT (workspace_id, attempt_id, conversation_id) ON hangup TO belfry_gateway;
GRANT SELECT ON hangup TO belfry_gateway;
GRANT SELECT ON history TO belfry_gateway;
GRANT INSERT (workspace_id, key, request_hash, status, body, is_sealed) ON idempotency TO
    belfry_gateway;
GRANT SELECT ON idempotency TO belfry_gateway;
GRANT DELETE ON idempotency TO belfry_gateway;
GRANT INSERT (workspace_id, id, campaign_id, status, created_at, owner, default_region) ON import TO
    belfry_gateway;
GRANT SELECT ON import TO belfry_gateway;
GRANT UPDATE (status, received, inserted, deduped, rejected, reason, updated_at, owner, bytes,
    uploaded_at, completed_at) ON import TO belfry_gateway;
GRANT INSERT (workspace_id, import_id, n, to_numbers, names, external_ids, timezones, variables) ON
    import_block TO belfry_gateway;
GRANT SELECT ON import_block TO belfry_gateway;
GRANT DELETE ON import_block TO belfry_gateway;
GRANT INSERT (workspace_id, import_id, n, lines) ON import_error TO belfry_gateway;
GRANT SELECT ON import_error TO belfry_gateway;
GRANT SELECT ON leader TO belfry_gateway;
GRANT INSERT (workspace_id, id, e164, trunk_id, calls_per_minute, max_concurrent, created_at,
    updated_at) ON number TO belfry_gateway;
GRANT SELECT ON number TO belfry_gateway;
GRANT UPDATE (trunk_id, calls_per_minute, max_concurrent, updated_at, deleted_at) ON number TO
    belfry_gateway;
GRANT INSERT (workspace_id, id, number_id, agent_id, to_number, from_number, external_id, variables,
    max_attempts, retry_policy, created_at, due_at, scheduled_at, updated_at, status, catch_up_s) ON
    scheduled_call TO belfry_gateway;
GRANT SELECT ON scheduled_call TO belfry_gateway;
GRANT UPDATE (schedule_version, variables, due_at, updated_at, status, outcome, retry_before) ON
    scheduled_call TO belfry_gateway;
GRANT SELECT ON scheduled_call_done TO belfry_gateway;
GRANT SELECT ON schema_migration TO belfry_gateway;
GRANT INSERT (workspace_id, id, key_id, hash, expires_at) ON session TO belfry_gateway;
GRANT SELECT ON session TO belfry_gateway;
GRANT DELETE ON session TO belfry_gateway;
GRANT INSERT (workspace_id, id, to_number, reason, created_at) ON suppression TO belfry_gateway;
GRANT SELECT ON suppression TO belfry_gateway;
GRANT DELETE ON suppression TO belfry_gateway;
GRANT INSERT (workspace_id, id, campaign_id, position, to_number, name, external_id, timezone,
    variables) ON target TO belfry_gateway;
GRANT SELECT ON target TO belfry_gateway;
GRANT UPDATE (status, updated_at) ON target TO belfry_gateway;
GRANT INSERT (workspace_id, id, name, dialer, settings, secret, created_at, updated_at) ON trunk TO
    belfry_gateway;
GRANT SELECT ON trunk TO belfry_gateway;
GRANT UPDATE (name, settings, secret, updated_at, deleted_at) ON trunk TO belfry_gateway;
GRANT SELECT ON trunk_state TO belfry_gateway;
GRANT INSERT (workspace_id, id, trunk_id) ON trunk_test TO belfry_gateway;
GRANT SELECT ON trunk_test TO belfry_gateway;
GRANT DELETE ON trunk_test TO belfry_gateway;
GRANT INSERT (workspace_id, id, url, description, events, secret, created_at, updated_at) ON
    webhook_endpoint TO belfry_gateway;
GRANT SELECT ON webhook_endpoint TO belfry_gateway;
GRANT UPDATE (url, description, events, status, disabled_reason, secret, secret_old,
    secret_old_until, consecutive_failures, failing_since, updated_at, deleted_at) ON
    webhook_endpoint TO belfry_gateway;
GRANT SELECT ON webhook_sender TO belfry_gateway;
GRANT SELECT ON workspace TO belfry_gateway;
GRANT UPDATE (name, timezone, calls_per_minute, max_concurrent, billing_increment_s, credit_s,
    updated_at, requests_per_minute) ON workspace TO belfry_gateway;
GRANT SELECT ON workspace_sequence TO belfry_gateway;
GRANT UPDATE (last_sequence, owed_at) ON workspace_sequence TO belfry_gateway;
