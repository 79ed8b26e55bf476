/* POST /v1/webhook-endpoints/{id}/test: one event, one request by a sender, and its answer in ours.
 * Nothing tells this process when that request was answered, so it looks, at most four times a
 * second. The sender tries a test once: a retry hours later would test nothing. */
#include "endpoint.h"
#include "handlers.h"
#include "queue/control.h"
#include "sys/random.h"
#include "wait.h"

#define DATA_MAX 128

/* --- the answer ----------------------------------------------------------------------------- */

static void on_looked(struct req *r, const struct pg_unit *u)
{
	struct json_out j;
	struct api_delivery_list_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) { /* the endpoint was deleted meanwhile */
		req_not_found(r);
		return;
	}
	get_api_delivery_list(found, 0, &row);
	if (str_eq(row.status, STR("pending")) && !wait_is_over(r)) {
		wait_on(r);
		return;
	}
	req_json(r, &j);
	delivery_render_open(&j, &row);
	json_object_end(&j);
	req_reply_json(r, 200);
}

static void look(struct req *r)
{
	add_api_delivery_get(req_read(r),
			     &(struct api_delivery_get_args){ .workspace_id = r->who.workspace_id,
							      .delivery_id = wait_id(r) });
	req_submit(r, on_looked);
}

/* A request to a receiver takes 15 s at most. */
static const struct wait_plan plan = { .most_us = 20 * USEC_PER_SEC,
				       .first_us = 30 * USEC_PER_MS,
				       .step_us = 250 * USEC_PER_MS,
				       .look = look };

/* --- the event ------------------------------------------------------------------------------ */

static struct str data_of(struct req *r)
{
	struct strbuf b;
	struct json_out j;
	strbuf_init(&b, DATA_MAX);
	json_out_init(&j, &b);
	json_object_begin(&j);
	json_key(&j, "webhook_endpoint");
	json_object_begin(&j);
	json_kv_id(&j, "id", ID_ENDPOINT, r->ids[0]);
	json_object_end(&j);
	json_object_end(&j);
	struct str data = arena_str(r->arena, strbuf_str(&b));
	strbuf_deinit(&b);
	return data;
}

static void on_published(struct req *r, const struct pg_unit *u)
{
	(void)u; /* the delivery has the id that it was given */
	control_wake_senders(r->app->redis);
	wait_begin(r);
}

static void publish(struct req *r)
{
	wait_new(r, &plan, random_id(r->now));
	add_api_endpoint_test(req_effect(r),
			      &(struct api_endpoint_test_args){ .workspace_id = r->who.workspace_id,
								.endpoint_id = r->ids[0],
								.event_id = random_id(r->now),
								.delivery_id = wait_id(r),
								.data = data_of(r) });
	wait_keep(r);
	req_submit_expecting(r, endpoints_test, on_published);
}

static void on_found(struct req *r, const struct pg_unit *u)
{
	struct api_endpoint_list_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_endpoint_list(found, 0, &row, r->arena);
	if (str_eq(row.status, STR("enabled")))
		publish(r);
	else
		endpoint_fail_disabled(r);
}

void endpoints_test(struct req *r)
{
	(void)req_read(r); /* it is r->unit */
	endpoint_add_read(r);
	req_submit(r, on_found);
}

void endpoints_test_replay(struct req *r)
{
	wait_replay(r, &plan);
}
