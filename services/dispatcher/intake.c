/* One heap, one timer: the head's instant. The map merges an entry that comes twice. */
#include "intake.h"

#include "base/mem.h"
#include "lane.h"
#include "sys/log.h"

#define ACK_BATCH 500

struct intake {
	struct app *app;
	struct map by_call;
	struct heap waiting;
	struct timer *timer;
	struct due_done acks[ACK_BATCH];
	size_t n_acks;
	bool flush_is_due;
};

static void on_timer(void *arg);

struct intake *intake_new(struct app *app)
{
	struct intake *in = xcalloc(1, sizeof(*in));
	in->app = app;
	map_init(&in->by_call);
	heap_init(&in->waiting);
	in->timer = timer_new(app->loop, on_timer, in);
	return in;
}

void intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	struct call *c;
	timer_free(in->timer);
	heap_deinit(&in->waiting); /* first: it touches the nodes inside the calls */
	for (size_t it = 0; (c = map_next(&in->by_call, &it)) != NULL;)
		free(c);
	map_deinit(&in->by_call);
	free(in);
}

static void arm(struct intake *in)
{
	const struct heap_node *head = heap_min(&in->waiting);
	if (head == NULL) {
		timer_stop(in->timer);
		return;
	}
	timer_start(in->timer, max_i64(0, head->at - app_now(in->app)));
}

static void on_timer(void *arg)
{
	struct intake *in = arg;
	struct heap_node *head;

	loop_refresh_time(in->app->loop);
	usec_t now = app_now(in->app);
	while ((head = heap_min(&in->waiting)) != NULL && head->at <= now) {
		struct call *c = CONTAINER_OF(head, struct call, wait);
		heap_remove(&in->waiting, head);
		lane_push(in->app->lanes, c);
	}
	lanes_pump(in->app->lanes);
	arm(in);
}

static void flush(void *arg)
{
	struct intake *in = arg;
	in->flush_is_due = false;
	if (in->n_acks > 0)
		due_ack(in->app->redis, in->acks, in->n_acks);
	in->n_acks = 0;
}

static void acknowledge(struct intake *in, const struct due_ticket *t, const struct due_entry *e)
{
	if (t->entry_id[0] == '\0')
		return;
	if (in->n_acks == ACK_BATCH)
		flush(in);
	in->acks[in->n_acks++] = (struct due_done){ .ticket = *t,
						    .call_id = e->call_id,
						    .campaign_id = e->campaign_id };
	if (!in->flush_is_due) {
		in->flush_is_due = true;
		loop_defer(in->app->loop, flush, in);
	}
}

void intake_take(struct intake *in, const struct due_entry *e, const struct due_ticket *t)
{
	struct call *c = map_get(&in->by_call, e->call_id);
	if (c != NULL) {
		/* The same call again: a dead consumer's entry was put back, or Redis lost its
		 * memory and everything was fed anew. The newer entry stands for it from now. */
		acknowledge(in, &c->ticket, &c->entry);
		c->ticket = *t;
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->entry = *e;
	c->ticket = *t;
	c->trace = (struct trace){ .id = e->call_id, .flags = 1 };
	map_set(&in->by_call, e->call_id, c);
	lane_learn_limits(in->app->lanes, e);
	heap_push(&in->waiting, &c->wait, e->due_at);
	if (heap_min(&in->waiting) == &c->wait)
		arm(in);
}

size_t intake_room(const struct intake *in)
{
	size_t max = (size_t)in->app->settings.in_hand_max;
	size_t n = map_count(&in->by_call);
	return n < max ? max - n : 0;
}

size_t intake_count(const struct intake *in)
{
	return map_count(&in->by_call);
}

void intake_settle(struct intake *in, struct call *c)
{
	bool was_full = intake_room(in) == 0;

	acknowledge(in, &c->ticket, &c->entry);
	heap_remove(&in->waiting, &c->wait);
	lane_forget(c);
	(void)map_remove(&in->by_call, c->entry.call_id); /* it is c itself */
	free(c);
	if (was_full && in->app->reader != NULL)
		due_reader_resume(in->app->reader);
}

void intake_postpone(struct intake *in, struct call *c, usec_t due_at)
{
	ASSERT(c->state == CALL_CLAIMING);
	if (due_at > app_now(in->app) + INTAKE_HORIZON_US) {
		intake_settle(in, c);
		return;
	}
	c->state = CALL_WAITING;
	c->entry.due_at = due_at;
	c->entry.in_line = false;
	heap_push(&in->waiting, &c->wait, due_at);
	arm(in);
}

static void drop(struct intake *in, struct call *c)
{
	switch (c->state) {
	case CALL_WAITING:
	case CALL_QUEUED:
		/* One that is claimed already has started: only its tokens are missing. */
		if (c->attempt == NULL)
			intake_settle(in, c);
		break;
	case CALL_GRANTED:
	case CALL_CLAIMING:
		/* The claim will be refused, or was first. */
		c->is_moot = true;
		break;
	case CALL_STATE_COUNT:
		break;
	}
}

void intake_drop_campaign(struct intake *in, struct uuid campaign_id)
{
	struct call *c;
	for (size_t it = 0; (c = map_next(&in->by_call, &it)) != NULL;)
		if (uuid_eq(c->entry.campaign_id, campaign_id))
			drop(in, c);
	arm(in);
}

void intake_drop_call(struct intake *in, struct uuid call_id)
{
	struct call *c = map_get(&in->by_call, call_id);
	if (c != NULL)
		drop(in, c);
}
