/* The handlers that routes.c names, and what they share. */
#ifndef BELFRY_API_GATEWAY_HANDLERS_H
#define BELFRY_API_GATEWAY_HANDLERS_H

#include "domain/campaign.h"
#include "request.h"
#include "store_gen.h"
#include "target_rows.h"

void health_live(struct req *r);
void health_ready(struct req *r);
void health_metrics(struct req *r);
void health_openapi(struct req *r);

void campaigns_create(struct req *r);
void campaigns_list(struct req *r);
void campaigns_get(struct req *r);
void campaigns_patch(struct req *r);
void campaigns_delete(struct req *r);
void campaigns_start(struct req *r);
void campaigns_pause(struct req *r);
void campaigns_resume(struct req *r);
void campaigns_cancel(struct req *r);
void campaigns_replay(struct req *r);

void campaigns_stats(struct req *r);
void campaigns_pace(struct req *r);

void system_get(struct req *r);

void schedules_preview(struct req *r);

void targets_append(struct req *r);
void targets_list(struct req *r);
void targets_get(struct req *r);
void targets_delete(struct req *r);
void targets_skip(struct req *r);

void calls_list(struct req *r);
void calls_of_campaign(struct req *r);
void calls_get(struct req *r);
void calls_prepare(struct req *r);
void calls_create(struct req *r);
void calls_cancel(struct req *r);

void conversations_list(struct req *r);
void conversations_get(struct req *r);
void conversations_hangup(struct req *r);

void suppressions_create(struct req *r);
void suppressions_list(struct req *r);
void suppressions_get(struct req *r);
void suppressions_delete(struct req *r);
void suppressions_check(struct req *r);
void suppressions_import(struct req *r);

void agents_create(struct req *r);
void agents_list(struct req *r);
void agents_get(struct req *r);
void agents_patch(struct req *r);
void agents_delete(struct req *r);

void numbers_create(struct req *r);
void numbers_list(struct req *r);
void numbers_get(struct req *r);
void numbers_patch(struct req *r);
void numbers_delete(struct req *r);

void trunks_create(struct req *r);
void trunks_list(struct req *r);
void trunks_get(struct req *r);
void trunks_patch(struct req *r);
void trunks_delete(struct req *r);
void trunks_test(struct req *r);
void trunks_test_replay(struct req *r);

void workspace_get(struct req *r);
void workspace_patch(struct req *r);
void workspace_credit(struct req *r);

void keys_create(struct req *r);
void keys_list(struct req *r);
void keys_get(struct req *r);
void keys_revoke(struct req *r);

void audit_list(struct req *r);

void endpoints_create(struct req *r);
void endpoints_list(struct req *r);
void endpoints_get(struct req *r);
void endpoints_delete(struct req *r);
void endpoints_patch(struct req *r);
void endpoints_enable(struct req *r);
void endpoints_disable(struct req *r);
void endpoints_rotate(struct req *r);
void endpoints_test(struct req *r);
void endpoints_test_replay(struct req *r);
void endpoints_replay(struct req *r);
void endpoints_deliveries(struct req *r);

void deliveries_get(struct req *r);
void deliveries_replay(struct req *r);

void events_list(struct req *r);

/* Adds the append to r->unit. With `keeps`, its answer is stored under the idempotency key. */
void targets_add_append(struct req *r, struct uuid campaign_id, const struct target_rows *t,
			bool keeps);
/* The words that a target's or call's outcome, and a target's status, may be in a filter. */
struct str targets_query_outcome(struct req *r);
bool targets_is_outcome(struct str s);
bool targets_is_status(struct str s);

/* Adds the reading of the path's call to r->unit: its row, then its attempts. */
void calls_add_read(struct req *r);
/* A call with its attempts and its conversation as JSON into r->out; no attempts is NULL. */
void calls_render(struct req *r, const struct api_call_get_row *c,
		  const struct pg_result *attempts);

/* 409 for a campaign in a state that forbids something, with what it allows. */
void campaigns_fail_state(struct req *r, struct str status, const char *detail);
/* The entity tag of a campaign's version. */
const char *campaigns_etag(struct req *r, usec_t updated_at);
/* After a commit: something changed about this campaign. */
void campaigns_tell(struct req *r, bool is_held);
/* After a commit: dispatchers forget these calls of it, ids as text. */
void campaigns_tell_dropped(struct req *r, const struct pg_array *call_ids);

#endif
