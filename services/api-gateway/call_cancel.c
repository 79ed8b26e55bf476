/* POST /v1/scheduled-calls/{id}/cancel: the campaign is held still, then one conditional statement
 * cancels the call unless somebody claimed it, then it is read. What was read decides the answer: a
 * claim, or another cancel, may have been first. Nothing changes about a cancelled call, so its
 * answer under an idempotency key is read anew. */
#include "handlers.h"
#include "queue/control.h"
#include "render.h"

/* A call that was being dialed and waits again when it is read is tried again. */
#define TRIES_MAX 4

struct cancel {
	int tries;
};

static void cancel(struct req *r);

/* After the commit: dispatchers drop the call, senders look for the event's deliveries. */
static void tell(struct req *r, const struct api_call_cancel_row *row)
{
	control_publish(r->app->redis, &(struct control_msg){ .kind = CONTROL_CALLS_DROPPED,
							      .workspace_id = r->who.workspace_id,
							      .campaign_id = row->campaign_id,
							      .call_id = r->ids[0],
							      .at = r->now });
	if (row->deliveries > 0)
		control_wake_senders(r->app->redis);
}

static void fail_state(struct req *r, struct str status)
{
	struct problem p = { .code = PROBLEM_INVALID_STATE_TRANSITION,
			     .detail = "The call is being dialed or has its final status.",
			     .current_status = arena_cstr(r->arena, status) };
	req_fail_with(r, &p);
}

static void on_cancelled(struct req *r, const struct pg_unit *u)
{
	const struct cancel *c = r->state;
	struct api_call_cancel_row done;
	struct api_call_get_row row;
	const struct pg_result *cancelled = req_result(r, u, 1), *found = req_result(r, u, 2);
	if (pg_result_rows(cancelled) > 0) {
		get_api_call_cancel(cancelled, 0, &done);
		if (done.is_new)
			tell(r, &done);
	}
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_call_get(found, 0, &row);
	if (str_eq(row.status, STR("cancelled"))) {
		calls_render(r, &row, req_result(r, u, 3));
		req_reply_json(r, 200);
	} else if (str_eq(row.status, STR("scheduled")) && c->tries < TRIES_MAX) {
		cancel(r);
	} else {
		fail_state(r, row.status);
	}
}

static void cancel(struct req *r)
{
	struct cancel *c = r->state;
	struct uuid ws = r->who.workspace_id, id = r->ids[0];
	struct pg_unit *u = req_effect(r);
	c->tries++;
	add_api_call_share(u, &(struct api_call_share_args){ .workspace_id = ws, .call_id = id });
	add_api_call_cancel(u,
			    &(struct api_call_cancel_args){
				    .workspace_id = ws,
				    .call_id = id,
				    .key = r->idem_key,
				    .request_hash = { (const char *)r->idem_hash, SHA256_SIZE } });
	calls_add_read(r);
	req_submit(r, on_cancelled);
}

void calls_cancel(struct req *r)
{
	r->state = arena_alloc(r->arena, sizeof(struct cancel));
	cancel(r);
}
