/* A timer and an id; the time between two looks doubles. */
#include "wait.h"

#include "store_gen.h"

struct wait {
	const struct wait_plan *plan;
	struct uuid id;
	usec_t mono_until, look_in_us;
	struct timer *timer; /* while no statement is on its way */
};

void wait_new(struct req *r, const struct wait_plan *plan, struct uuid id)
{
	struct wait *w = arena_alloc(r->arena, sizeof(*w));
	*w = (struct wait){ .plan = plan, .id = id };
	r->state = w;
}

struct uuid wait_id(const struct req *r)
{
	const struct wait *w = r->state;
	return w->id;
}

void wait_keep(struct req *r)
{
	char text[UUID_TEXT_SIZE];
	strbuf_deinit(&r->out);
	strbuf_init(&r->out, sizeof(text));
	strbuf_add(&r->out, str_from(uuid_format(wait_id(r), text)));
	req_effect_keep(r, 200, false);
}

static void on_timer(void *arg)
{
	struct req *r = arg;
	struct wait *w = r->state;
	timer_free(w->timer);
	w->timer = NULL;
	w->plan->look(r);
}

void wait_on(struct req *r)
{
	struct wait *w = r->state;
	w->timer = timer_new(r->app->loop, on_timer, r);
	timer_start(w->timer, w->look_in_us);
	w->look_in_us = min_i64(w->plan->step_us, 2 * w->look_in_us);
}

void wait_begin(struct req *r)
{
	struct wait *w = r->state;
	w->mono_until = loop_mono(r->app->loop) + w->plan->most_us;
	w->look_in_us = w->plan->first_us;
	wait_on(r);
}

bool wait_is_over(const struct req *r)
{
	const struct wait *w = r->state;
	return loop_mono(r->app->loop) >= w->mono_until || loop_is_draining(r->app->loop);
}

static void on_kept(struct req *r, const struct pg_unit *u)
{
	struct wait *w = r->state;
	struct api_wait_replay_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_fail(r, PROBLEM_INTERNAL, "The stored answer cannot be read.");
		return;
	}
	get_api_wait_replay(found, 0, &row);
	w->id = row.id;
	wait_begin(r);
}

void wait_replay(struct req *r, const struct wait_plan *plan)
{
	wait_new(r, plan, UUID_NIL);
	add_api_wait_replay(req_read(r),
			    &(struct api_wait_replay_args){ .workspace_id = r->who.workspace_id,
							    .key = r->idem_key });
	req_submit(r, on_kept);
}
