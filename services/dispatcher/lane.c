/* A lane asks when it has calls in its queue, no question on its way and no instant to wait for. Lanes
 * live while calls know them, in the queue or on their way through a claim, or a question does, and a
 * little longer, so that their limits are remembered. */
#include "lane.h"

#include "attempt.h"
#include "base/mem.h"
#include "claim.h"
#include "intake.h"
#include "measure.h"
#include "queue/bucket.h"
#include "sys/log.h"

#define ASK_MAX 200
/* Instants of a line are whole milliseconds, its tokens are exact: a lead of as much lets no call ask
 * before its token. */
#define PHASE_LEAD_US USEC_PER_MS
#define PHASE_LATE_MAX_US (10 * USEC_PER_MS)
#define REDIS_RETRY_US (200 * USEC_PER_MS)
#define SWEEP_US (10 * USEC_PER_SEC)
#define IDLE_US (60 * USEC_PER_SEC)
#define CHANGES_MAX 64

struct lane {
	struct lanes *lanes;
	struct uuid key;
	struct bucket_scope scope;
	usec_t limits_at;
	struct list queue;
	size_t n_calls; /* whose `lane` is this one */
	int64_t asked;  /* tokens asked for, while a question is on its way */
	int64_t grant;  /* number of the last grant, and what it left */
	struct bucket_receipt receipt;
	int64_t unused; /* of its tokens */
	struct heap_node retry;
	bool is_blocked; /* the wait is for concurrency, not for tokens */
	usec_t mono_used_at;
};

/* Changes of limits that entries fed before them do not know. */
struct limit_change {
	struct uuid scope_id;
	int64_t per_min;
	usec_t at;
};

struct lanes {
	struct app *app;
	struct map by_key;
	struct heap retries;
	struct timer *timer;
	struct timer *sweeper;
	struct limit_change changes[CHANGES_MAX];
	size_t n_changes; /* ever; a ring */
	bool is_closed;
};

static void on_timer(void *arg);
static void on_sweep(void *arg);
static void pump(struct lane *l);

struct lanes *lanes_new(struct app *app)
{
	struct lanes *ls = xcalloc(1, sizeof(*ls));
	ls->app = app;
	map_init(&ls->by_key);
	heap_init(&ls->retries);
	ls->timer = timer_new(app->loop, on_timer, ls);
	ls->sweeper = timer_new(app->loop, on_sweep, ls);
	timer_start(ls->sweeper, SWEEP_US);
	return ls;
}

void lanes_close(struct lanes *ls)
{
	ls->is_closed = true;
}

static void lane_free(struct lane *l)
{
	heap_remove(&l->lanes->retries, &l->retry);
	free(l);
}

void lanes_free(struct lanes *ls)
{
	if (ls == NULL)
		return;
	struct lane *l;
	for (size_t it = 0; (l = map_next(&ls->by_key, &it)) != NULL;)
		lane_free(l);
	timer_free(ls->timer);
	timer_free(ls->sweeper);
	heap_deinit(&ls->retries);
	map_deinit(&ls->by_key);
	free(ls);
}

static void on_sweep(void *arg)
{
	struct lanes *ls = arg;
	usec_t before = loop_mono(ls->app->loop) - IDLE_US;
	struct lane *l;

	for (size_t it = 0; (l = map_next(&ls->by_key, &it)) != NULL;) {
		if (l->n_calls > 0 || l->asked > 0 || l->mono_used_at > before)
			continue;
		(void)map_remove(&ls->by_key, l->key); /* it is l */
		lane_free(l);
	}
	timer_start(ls->sweeper, SWEEP_US);
}

/* A campaign dials from one number, so its id names the lane; calls without one go by number. */
static struct uuid lane_key(const struct due_entry *e)
{
	if (!uuid_is_nil(e->campaign_id))
		return e->campaign_id;
	struct uuid key = e->number_id;
	key.b[15] ^= 0xff;
	return key;
}

static void apply_change(struct lane *l, const struct limit_change *c)
{
	if (uuid_eq(l->scope.campaign_id, c->scope_id))
		l->scope.limits.campaign_per_min = c->per_min;
	if (uuid_eq(l->scope.workspace_id, c->scope_id))
		l->scope.limits.workspace_per_min = c->per_min;
	if (uuid_eq(l->scope.number_id, c->scope_id))
		l->scope.limits.number_per_min = c->per_min;
}

static void apply_changes_since(struct lanes *ls, struct lane *l, usec_t at)
{
	size_t from = ls->n_changes > CHANGES_MAX ? ls->n_changes - CHANGES_MAX : 0;
	for (size_t i = from; i < ls->n_changes; i++)
		if (ls->changes[i % CHANGES_MAX].at > at)
			apply_change(l, &ls->changes[i % CHANGES_MAX]);
}

void lane_learn_limits(struct lanes *ls, const struct due_entry *e)
{
	struct lane *l = map_get(&ls->by_key, lane_key(e));
	if (l == NULL || e->limits_at <= l->limits_at)
		return;
	l->limits_at = e->limits_at;
	l->scope.limits = e->limits;
	apply_changes_since(ls, l, e->limits_at);
}

static struct lane *lane_get(struct lanes *ls, const struct call *c)
{
	const struct due_entry *e = &c->entry;
	struct uuid key = lane_key(e);
	struct lane *l = map_get(&ls->by_key, key);
	if (l != NULL)
		return l;
	l = xcalloc(1, sizeof(*l));
	l->lanes = ls;
	l->key = key;
	l->scope = (struct bucket_scope){ .shard = c->ticket.shard,
					  .campaign_id = e->campaign_id,
					  .workspace_id = e->workspace_id,
					  .number_id = e->number_id,
					  .limits = e->limits };
	l->limits_at = e->limits_at;
	apply_changes_since(ls, l, e->limits_at);
	list_init(&l->queue);
	map_set(&ls->by_key, key, l);
	return l;
}

void lane_push(struct lanes *ls, struct call *c)
{
	ASSERT(c->lane == NULL);
	c->lane = lane_get(ls, c);
	c->lane->n_calls++;
	c->state = CALL_QUEUED;
	list_push_back(&c->lane->queue, &c->node);
}

static void arm(struct lanes *ls)
{
	const struct heap_node *head = heap_min(&ls->retries);
	if (head == NULL)
		timer_stop(ls->timer);
	else
		timer_start_at(ls->timer, head->at);
}

static void wait_for(struct lane *l, usec_t delay_us)
{
	heap_push(&l->lanes->retries, &l->retry, loop_mono(l->lanes->app->loop) + delay_us);
	arm(l->lanes);
}

void lane_push_back(struct lanes *ls, struct call *const *v, size_t n, usec_t delay_us)
{
	ASSERT(n > 0);
	struct lane *l = v[0]->lane;
	for (size_t i = n; i-- > 0;) {
		v[i]->state = CALL_QUEUED;
		list_push_front(&l->queue, &v[i]->node);
	}
	if (delay_us > 0) {
		l->is_blocked = true;
		wait_for(l, delay_us);
	} else {
		lanes_pump(ls);
	}
}

static void on_timer(void *arg)
{
	struct lanes *ls = arg;
	struct heap_node *head;
	usec_t mono = loop_mono(ls->app->loop);

	while ((head = heap_min(&ls->retries)) != NULL && head->at <= mono) {
		struct lane *l = CONTAINER_OF(head, struct lane, retry);
		heap_remove(&ls->retries, head);
		l->is_blocked = false;
		pump(l);
	}
	arm(ls);
}

/* Before the next question, since after another grant nothing can go back; and the next one is asked
 * at once, since a token may be there again sooner than the last answer said. */
static void give_back(struct lane *l)
{
	if (l->unused == 0)
		return;
	bucket_give(l->lanes->app->redis, &l->scope, &l->receipt, l->unused);
	l->unused = 0;
	if (!l->is_blocked)
		heap_remove(&l->lanes->retries, &l->retry);
}

void lane_spare(struct lane *l, int64_t grant)
{
	if (grant == l->grant)
		l->unused++;
}

static void grant(struct lane *l, const struct bucket_grant *g)
{
	struct app *app = l->lanes->app;
	int64_t used = 0;

	if (g->granted == 0)
		return; /* what the last one left is still there */
	l->grant++;
	l->receipt = g->receipt;
	for (; used < g->granted; used++) {
		struct list_node *node = list_pop_front(&l->queue);
		if (node == NULL)
			break; /* dropped while the question was on its way */
		struct call *c = CONTAINER_OF(node, struct call, node);
		c->mono_good_until = g->mono_good_until;
		c->grant = l->grant;
		if (c->attempt != NULL)
			attempt_has_tokens(app->attempts, c);
		else
			claim_add(app->claims, c);
	}
	l->unused = g->granted - used;
	give_back(l);
}

static void on_grant(struct err e, const struct bucket_grant *g, void *arg)
{
	struct lane *l = arg;
	int64_t asked = l->asked;

	l->asked = 0;
	if (is_err(e)) {
		log_warn("tokens_unavailable", LID("campaign", ID_CAMPAIGN, l->scope.campaign_id),
			 LERR(e));
		wait_for(l, REDIS_RETRY_US);
		return;
	}
	grant(l, g);
	if (g->granted < asked && g->wait_us > 0) {
		measure_wait(l->lanes->app->measures, g);
		wait_for(l, g->wait_us);
	} else {
		pump(l);
	}
}

/* How far back the line of tokens should begin, see bucket_ask. A call that is late already gets young
 * tokens instead, which stay good for longer. */
static usec_t phase(const struct lane *l)
{
	const struct call *head = CONTAINER_OF(list_first(&l->queue), struct call, node);
	usec_t late_us = app_now(l->lanes->app) - head->entry.due_at;
	return late_us <= PHASE_LATE_MAX_US ? late_us + PHASE_LEAD_US : 0;
}

static void pump(struct lane *l)
{
	struct app *app = l->lanes->app;

	give_back(l);
	if (l->lanes->is_closed || l->asked > 0 || list_is_empty(&l->queue) || l->retry.pos != 0)
		return;
	/* A claim that is far behind gets no more: tokens would only grow stale. */
	size_t room = claim_room(app->claims);
	if (room == 0)
		return;
	l->mono_used_at = loop_mono(app->loop);
	l->asked = (int64_t)min_size(min_size(l->queue.n, ASK_MAX), room);
	struct bucket_ask ask = { .wanted = l->asked, .age_us = phase(l) };
	bucket_take(app->redis, &l->scope, &ask, on_grant, l);
}

void lanes_pump(struct lanes *ls)
{
	struct lane *l;
	for (size_t it = 0; (l = map_next(&ls->by_key, &it)) != NULL;)
		pump(l);
}

void lane_forget(struct call *c)
{
	if (c->lane == NULL)
		return;
	if (c->state == CALL_QUEUED)
		list_remove(&c->lane->queue, &c->node);
	c->lane->n_calls--;
	c->lane = NULL;
}

bool lane_is_paced(const struct lane *l)
{
	const struct due_limits *m = &l->scope.limits;
	return m->campaign_per_min > 0 || m->workspace_per_min > 0 || m->number_per_min > 0;
}

void lanes_limit_changed(struct lanes *ls, const struct control_msg *m)
{
	struct limit_change *c = &ls->changes[ls->n_changes++ % CHANGES_MAX];
	struct lane *l;

	*c = (struct limit_change){ .scope_id = m->scope_id, .per_min = m->per_min, .at = m->at };
	for (size_t it = 0; (l = map_next(&ls->by_key, &it)) != NULL;)
		if (m->at > l->limits_at)
			apply_change(l, c);
}

void lanes_unblock(struct lanes *ls)
{
	struct lane *l;
	for (size_t it = 0; (l = map_next(&ls->by_key, &it)) != NULL;) {
		if (!l->is_blocked)
			continue;
		l->is_blocked = false;
		heap_remove(&ls->retries, &l->retry);
		pump(l);
	}
	arm(ls);
}
