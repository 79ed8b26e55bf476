/* POST /v1/webhook-endpoints/{id}/test: one event, one request by a sender, and its answer in ours.
 * Nothing tells this process when that request was answered, so it looks, at most four times a
 * second. The sender tries a test once: a retry hours later would test nothing. */
#include "endpoint.h"
#include "handlers.h"
#include "queue/control.h"
#include "sys/random.h"

#define WAIT_US (20 * USEC_PER_SEC) /* a request takes 15 s at most */
#define LOOK_FIRST_US (30 * USEC_PER_MS)
#define LOOK_MAX_US (250 * USEC_PER_MS)
#define DATA_MAX 128

struct test {
	struct uuid delivery_id;
	usec_t mono_until, look_in_us;
	struct timer *timer; /* while no statement is on its way */
};

/* --- waiting -------------------------------------------------------------------------------- */

static void look(struct req *r);

static void on_timer(void *arg)
{
	struct req *r = arg;
	struct test *t = r->state;
	timer_free(t->timer);
	t->timer = NULL;
	look(r);
}

static void look_later(struct req *r)
{
	struct test *t = r->state;
	t->timer = timer_new(r->app->loop, on_timer, r);
	timer_start(t->timer, t->look_in_us);
	t->look_in_us = min_i64(LOOK_MAX_US, 2 * t->look_in_us);
}

static void on_looked(struct req *r, const struct pg_unit *u)
{
	const struct test *t = r->state;
	struct json_out j;
	struct api_delivery_list_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) { /* the endpoint was deleted meanwhile */
		req_not_found(r);
		return;
	}
	get_api_delivery_list(found, 0, &row);
	bool is_pending = str_eq(row.status, STR("pending"));
	bool is_late = loop_mono(r->app->loop) >= t->mono_until || loop_is_draining(r->app->loop);
	if (is_pending && !is_late) {
		look_later(r);
		return;
	}
	req_json(r, &j);
	delivery_render_open(&j, &row);
	json_object_end(&j);
	req_reply_json(r, 200);
}

static void look(struct req *r)
{
	const struct test *t = r->state;
	add_api_delivery_get(req_read(r),
			     &(struct api_delivery_get_args){ .workspace_id = r->who.workspace_id,
							      .delivery_id = t->delivery_id });
	req_submit(r, on_looked);
}

static void wait_for(struct req *r, struct uuid delivery_id)
{
	struct test *t = arena_alloc(r->arena, sizeof(*t));
	*t = (struct test){ .delivery_id = delivery_id,
			    .mono_until = loop_mono(r->app->loop) + WAIT_US,
			    .look_in_us = LOOK_FIRST_US };
	r->state = t;
	look_later(r);
}

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
	const struct uuid *delivery_id = r->state;
	(void)u; /* the delivery has the id that it was given */
	control_wake_senders(r->app->redis);
	wait_for(r, *delivery_id);
}

static void publish(struct req *r)
{
	char text[UUID_TEXT_SIZE];
	struct uuid *delivery_id = arena_alloc(r->arena, sizeof(*delivery_id));
	*delivery_id = random_id(r->now);
	r->state = delivery_id;
	add_api_endpoint_test(req_effect(r),
			      &(struct api_endpoint_test_args){ .workspace_id = r->who.workspace_id,
								.endpoint_id = r->ids[0],
								.event_id = random_id(r->now),
								.delivery_id = *delivery_id,
								.data = data_of(r) });
	/* Under an idempotency key stands which delivery it was: a repetition waits for it too. */
	strbuf_deinit(&r->out);
	strbuf_init(&r->out, sizeof(text));
	strbuf_add(&r->out, str_from(uuid_format(*delivery_id, text)));
	req_effect_keep(r, 200, false);
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

static void on_replayed(struct req *r, const struct pg_unit *u)
{
	struct api_endpoint_test_replay_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_fail(r, PROBLEM_INTERNAL, "The stored answer cannot be read.");
		return;
	}
	get_api_endpoint_test_replay(found, 0, &row);
	wait_for(r, row.delivery_id);
}

void endpoints_test_replay(struct req *r)
{
	add_api_endpoint_test_replay(
		req_read(r), &(struct api_endpoint_test_replay_args){
				     .workspace_id = r->who.workspace_id, .key = r->idem_key });
	req_submit(r, on_replayed);
}
