/* What was delivered to webhook endpoints and what waits: the log, one delivery with its attempts,
 * and the replay of one. */
#include <stdio.h>

#include "crud.h"
#include "endpoint.h"
#include "handlers.h"
#include "queue/control.h"
#include "render.h"
#include "sys/random.h"

#define GENERATION_MAX INT16_MAX
/* The ids of deliveries are ahead of time by this (uuid7 of the schema), so that their order is that
 * of the sequences. */
#define ID_LEAD_US(sequence) ((sequence) / 4096 * USEC_PER_MS)

void delivery_render_open(struct json_out *j, const struct api_delivery_list_row *d)
{
	json_object_begin(j);
	json_kv_id(j, "id", ID_DELIVERY, d->id);
	json_kv_id(j, "endpoint_id", ID_ENDPOINT, d->endpoint_id);
	json_kv_id(j, "event_id", ID_EVENT, d->event_id);
	json_kv_str(j, "event_type", d->event_type);
	json_kv_i64(j, "sequence", d->sequence);
	json_kv_str(j, "status", d->status);
	json_kv_str(j, "reason", d->reason);
	json_kv_i64(j, "generation", d->generation);
	json_kv_id(j, "replayed_as", ID_DELIVERY, d->replayed_as);
	json_kv_i64(j, "attempts", d->attempts);
	json_kv_time(j, "next_attempt_at", d->due_at);
	json_kv_time(j, "last_attempt_at", d->started_at);
	json_kv_str(j, "last_result", d->result);
	render_i64_or_null(j, "last_status_code", d->http_status);
	render_i64_or_null(j, "last_duration_ms", d->duration_ms);
	json_kv_str(j, "last_excerpt", d->excerpt);
	json_kv_time(j, "created_at", d->created_at);
	json_kv_time(j, "ended_at", d->ended_at);
}

/* --- the log -------------------------------------------------------------------------------- */

static const char *const delivery_statuses[] = { "pending", "delivered", "dead_letter" };

static void on_listed(struct req *r, const struct pg_unit *u)
{
	struct page *p = r->state;
	struct api_delivery_list_row row = { .status = STR_NONE };
	const struct pg_result *rows = req_result(r, u, 1);
	if (pg_result_rows(req_result(r, u, 0)) == 0) {
		req_not_found(r);
		return;
	}
	page_open(r, p, rows);
	for (size_t i = 0; i < p->shown; i++) {
		get_api_delivery_list(rows, i, &row);
		delivery_render_open(&p->j, &row);
		json_object_end(&p->j);
	}
	page_reply(r, p, row.id);
}

void endpoints_deliveries(struct req *r)
{
	struct page *p = arena_alloc(r->arena, sizeof(*p));
	struct str status =
		req_query_word(r, "status", delivery_statuses, ARRAY_LEN(delivery_statuses));
	r->state = p;
	if (!page_begin(r, p))
		return;
	(void)req_read(r); /* it is r->unit */
	endpoint_add_read(r);
	add_api_delivery_list(r->unit,
			      &(struct api_delivery_list_args){ .workspace_id = r->who.workspace_id,
								.endpoint_id = r->ids[0],
								.status = status,
								.before = p->before,
								.most = p->limit + 1 });
	req_submit(r, on_listed);
}

/* --- one ------------------------------------------------------------------------------------ */

static void put_attempt(struct json_out *j, const struct api_delivery_attempts_row *a)
{
	json_object_begin(j);
	json_kv_i64(j, "number", a->number);
	json_kv_time(j, "started_at", a->started_at);
	json_kv_str(j, "result", a->result);
	render_i64_or_null(j, "status_code", a->http_status);
	render_i64_or_null(j, "duration_ms", a->duration_ms);
	json_kv_str(j, "excerpt", a->excerpt);
	json_object_end(j);
}

/* The last attempt of a delivery that ended stands with the delivery. */
static void put_log(struct json_out *j, const struct api_delivery_list_row *d,
		    const struct pg_result *attempts)
{
	struct api_delivery_attempts_row a;
	json_key(j, "attempt_log");
	json_array_begin(j);
	for (size_t i = 0; i < pg_result_rows(attempts); i++) {
		get_api_delivery_attempts(attempts, i, &a);
		put_attempt(j, &a);
	}
	if (!str_eq(d->status, STR("pending")) && d->result.p != NULL)
		put_attempt(j, &(struct api_delivery_attempts_row){ .number = d->attempts,
								    .started_at = d->started_at,
								    .result = d->result,
								    .http_status = d->http_status,
								    .duration_ms = d->duration_ms,
								    .excerpt = d->excerpt });
	json_array_end(j);
}

static void on_got(struct req *r, const struct pg_unit *u)
{
	struct json_out j;
	struct api_delivery_list_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_delivery_list(found, 0, &row);
	req_json(r, &j);
	delivery_render_open(&j, &row);
	put_log(&j, &row, req_result(r, u, 1));
	json_object_end(&j);
	req_reply_json(r, 200);
}

void deliveries_get(struct req *r)
{
	struct pg_unit *u = req_read(r);
	add_api_delivery_get(u,
			     &(struct api_delivery_get_args){ .workspace_id = r->who.workspace_id,
							      .delivery_id = r->ids[0] });
	add_api_delivery_attempts(
		u, &(struct api_delivery_attempts_args){ .workspace_id = r->who.workspace_id,
							 .delivery_id = r->ids[0] });
	req_submit(r, on_got);
}

/* --- its replay ----------------------------------------------------------------------------- */

static void on_replayed(struct req *r, const struct pg_unit *u)
{
	(void)u; /* the answer stands in r->out */
	control_wake_senders(r->app->redis);
	req_reply_json(r, 202);
}

static void replay(struct req *r, const struct api_delivery_newest_row *n)
{
	struct json_out j;
	struct api_delivery_list_row row = { .id = random_id(r->now + ID_LEAD_US(n->sequence)),
					     .endpoint_id = n->endpoint_id,
					     .event_id = n->event_id,
					     .event_type = n->event_type,
					     .sequence = n->sequence,
					     .status = STR("pending"),
					     .generation = n->generation + 1,
					     .due_at = r->now,
					     .started_at = USEC_NEVER,
					     .http_status = PG_NULL_I64,
					     .duration_ms = PG_NULL_I64,
					     .created_at = r->now,
					     .ended_at = USEC_NEVER };
	add_api_delivery_replay(req_effect(r), &(struct api_delivery_replay_args){
						       .workspace_id = r->who.workspace_id,
						       .endpoint_id = n->endpoint_id,
						       .delivery_id = n->newest_id,
						       .new_id = row.id });
	req_json(r, &j);
	delivery_render_open(&j, &row);
	json_object_end(&j);
	req_effect_keep(r, 202, false);
	req_submit_expecting(r, deliveries_replay, on_replayed);
}

static void fail_pending(struct req *r)
{
	struct problem p = { .code = PROBLEM_INVALID_STATE_TRANSITION,
			     .detail = "The event is on its way to this endpoint.",
			     .current_status = "pending" };
	req_fail_with(r, &p);
}

static void on_newest(struct req *r, const struct pg_unit *u)
{
	struct api_delivery_newest_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_delivery_newest(found, 0, &row);
	if (row.is_pending)
		fail_pending(r);
	else if (!str_eq(row.endpoint_status, STR("enabled")))
		endpoint_fail_disabled(r);
	else if (uuid_is_nil(row.event_id))
		req_fail(r, PROBLEM_INVALID_STATE_TRANSITION, "The event is not kept any more.");
	else if (row.generation == GENERATION_MAX)
		req_fail(r, PROBLEM_INVALID_STATE_TRANSITION,
			 "The event was sent to this endpoint as often as it can be.");
	else
		replay(r, &row);
}

void deliveries_replay(struct req *r)
{
	add_api_delivery_newest(req_read(r), &(struct api_delivery_newest_args){
						     .workspace_id = r->who.workspace_id,
						     .delivery_id = r->ids[0] });
	req_submit(r, on_newest);
}
