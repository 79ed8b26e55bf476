/* POST /v1/trunks/{id}/test: is the carrier there? The test is a row that a dispatcher with the trunk's
 * dialer takes, asks the dialer, and answers. Nothing tells this process when, so it looks, at most
 * ten times a second. A message that is lost on the way ends the wait at its deadline: 503. */
#include <string.h>

#include "handlers.h"
#include "queue/control.h"
#include "render.h"
#include "sys/random.h"

#define WAIT_US (8 * USEC_PER_SEC) /* a dialer has 5 s, a dispatcher looks once a second */
#define LOOK_FIRST_US (15 * USEC_PER_MS)
#define LOOK_MAX_US (100 * USEC_PER_MS)

struct test {
	struct uuid id;
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

static void reply(struct req *r, const struct api_trunk_test_get_row *row)
{
	const struct test *t = r->state;
	struct json_out j;
	req_json(r, &j);
	json_object_begin(&j);
	json_kv_id(&j, "id", ID_TEST, t->id);
	json_kv_id(&j, "trunk_id", ID_TRUNK, row->trunk_id);
	json_kv_bool(&j, "ok", row->is_ok);
	render_i64_or_null(&j, "status", row->sip);
	json_kv_str(&j, "reason", row->reason);
	render_i64_or_null(&j, "latency_ms", row->latency_ms);
	json_kv_str(&j, "state", row->state);
	json_kv_time(&j, "tested_at", row->answered_at);
	json_object_end(&j);
	req_reply_json(r, 200);
}

static void on_looked(struct req *r, const struct pg_unit *u)
{
	const struct test *t = r->state;
	struct api_trunk_test_get_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) { /* cleared away: it is days old */
		req_not_found(r);
		return;
	}
	get_api_trunk_test_get(found, 0, &row);
	bool is_late = loop_mono(r->app->loop) >= t->mono_until || loop_is_draining(r->app->loop);
	if (row.answered_at != USEC_NEVER)
		reply(r, &row);
	else if (!is_late)
		look_later(r);
	else if (row.taken_at == USEC_NEVER)
		req_fail(r, PROBLEM_UNAVAILABLE,
			 "No dispatcher whose dialer can test this trunk took the test in time.");
	else
		req_fail(r, PROBLEM_UNAVAILABLE, "The dialer did not answer in time.");
}

static void look(struct req *r)
{
	const struct test *t = r->state;
	add_api_trunk_test_get(
		req_read(r), &(struct api_trunk_test_get_args){ .workspace_id = r->who.workspace_id,
								.test_id = t->id });
	req_submit(r, on_looked);
}

static void wait_for(struct req *r, struct uuid id)
{
	struct test *t = arena_alloc(r->arena, sizeof(*t));
	*t = (struct test){ .id = id,
			    .mono_until = loop_mono(r->app->loop) + WAIT_US,
			    .look_in_us = LOOK_FIRST_US };
	r->state = t;
	look_later(r);
}

/* --- asking --------------------------------------------------------------------------------- */

static void on_asked(struct req *r, const struct pg_unit *u)
{
	const struct uuid *id = r->state;
	(void)u; /* the test has the id that it was given */
	control_publish(r->app->redis, &(struct control_msg){ .kind = CONTROL_TRUNK_TEST,
							      .workspace_id = r->who.workspace_id,
							      .at = r->now });
	wait_for(r, *id);
}

static void ask(struct req *r)
{
	char text[UUID_TEXT_SIZE];
	struct uuid *id = arena_alloc(r->arena, sizeof(*id));
	*id = random_id(r->now);
	r->state = id;
	add_api_trunk_test(req_effect(r),
			   &(struct api_trunk_test_args){ .workspace_id = r->who.workspace_id,
							  .trunk_id = r->ids[0],
							  .test_id = *id });
	/* Under an idempotency key stands which test it was: a repetition waits for it too. */
	strbuf_deinit(&r->out);
	strbuf_init(&r->out, sizeof(text));
	strbuf_add(&r->out, str_from(uuid_format(*id, text)));
	req_effect_keep(r, 200, false);
	req_submit_expecting(r, trunks_test, on_asked);
}

static void on_found(struct req *r, const struct pg_unit *u)
{
	if (pg_result_rows(req_result(r, u, 0)) == 0)
		req_not_found(r);
	else
		ask(r);
}

void trunks_test(struct req *r)
{
	struct uuid greatest;
	memset(greatest.b, 0xff, sizeof(greatest.b));
	add_api_trunk_list(req_read(r),
			   &(struct api_trunk_list_args){ .workspace_id = r->who.workspace_id,
							  .trunk_id = r->ids[0],
							  .before = greatest,
							  .most = 1 });
	req_submit(r, on_found);
}

static void on_replayed(struct req *r, const struct pg_unit *u)
{
	struct api_trunk_test_replay_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_fail(r, PROBLEM_INTERNAL, "The stored answer cannot be read.");
		return;
	}
	get_api_trunk_test_replay(found, 0, &row);
	wait_for(r, row.test_id);
}

void trunks_test_replay(struct req *r)
{
	add_api_trunk_test_replay(
		req_read(r), &(struct api_trunk_test_replay_args){
				     .workspace_id = r->who.workspace_id, .key = r->idem_key });
	req_submit(r, on_replayed);
}
