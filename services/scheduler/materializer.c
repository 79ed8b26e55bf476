/* A queue of lines; the head gets one transaction and stands at the end again if more is to do. */
#include "materializer.h"

#include "base/mem.h"
#include "feeder.h"
#include "measure.h"
#include "store_gen.h"
#include "sys/log.h"
#include "task.h"

#define HORIZON_US (3600 * USEC_PER_SEC)
#define URGENT_US (60 * USEC_PER_SEC)
/* After a batch of a line whose next minute is safe: so many times its duration of rest, while calls
 * are dialed and while they are not. */
#define REST_BUSY 7
#define REST_IDLE 1
#define FAILED_RETRY_US (500 * USEC_PER_MS)

struct materializer {
	struct app *app;
	struct list queue;
	struct task *pass;
	struct timer *timer;
	bool is_busy;
	struct uuid current;
	usec_t mono_sent_at;
};

static void pump(void *arg);

static void on_pass(struct task *t, void *arg)
{
	struct materializer *m = arg;
	struct line *l;

	for (size_t it = 0; (l = book_next(m->app->book, &it)) != NULL;)
		materializer_add(m, l);
	measure_pass(m->app->measures);
	task_done(t);
}

struct materializer *materializer_new(struct app *app)
{
	struct materializer *m = xcalloc(1, sizeof(*m));
	m->app = app;
	list_init(&m->queue);
	m->timer = timer_new(app->loop, pump, m);
	m->pass = task_new(app, app->settings.pass_us, on_pass, m);
	return m;
}

void materializer_free(struct materializer *m)
{
	if (m == NULL)
		return;
	task_free(m->pass);
	timer_free(m->timer);
	free(m);
}

static bool has_work(const struct app *app, const struct line *l)
{
	return l->is_active && !l->is_starting && l->line_at != USEC_NEVER && l->feed_slot >= 0 &&
	       l->position < l->last_position &&
	       line_instant(l, l->next_slot) < app_now(app) + HORIZON_US;
}

static bool is_urgent(const struct app *app, const struct line *l)
{
	return line_instant(l, l->next_slot) < app_now(app) + URGENT_US;
}

void materializer_add(struct materializer *m, struct line *l)
{
	if (list_node_is_linked(&l->node) || !has_work(m->app, l))
		return;
	list_push_back(&m->queue, &l->node);
	if (!m->is_busy && !timer_is_armed(m->timer))
		timer_start(m->timer, 0);
}

void materializer_forget(struct materializer *m, struct line *l)
{
	list_remove(&m->queue, &l->node);
}

static void on_made(struct err e, const struct pg_unit *u, void *arg)
{
	struct materializer *m = arg;
	struct app *app = m->app;
	usec_t took = loop_mono(app->loop) - m->mono_sent_at;
	struct line *l = book_find(app->book, m->current);
	struct line_materialize_row row = { .made = 0 };

	m->is_busy = false;
	if (is_err(e)) {
		log_warn("materialize_failed", LID("campaign", ID_CAMPAIGN, m->current), LERR(e),
			 LS("sqlstate", pg_unit_sqlstate(u)), LS("message", pg_unit_message(u)));
		if (l != NULL)
			materializer_add(m, l);
		timer_start(m->timer, FAILED_RETRY_US);
		return;
	}
	bool is_ours = pg_result_rows(pg_unit_result(u, 0)) > 0;
	if (is_ours)
		get_line_materialize(pg_unit_result(u, 0), 0, &row);
	measure_made(app->measures, row.made, took);
	if (row.made > 0 && row.deliveries > 0)
		control_wake_senders(app->redis);
	bool is_calm = false;
	if (l != NULL && is_ours) {
		l->next_slot = row.next_slot;
		l->position = row.position;
		if (row.is_dry)
			l->position = l->last_position; /* the rest was skipped */
		is_calm = !is_urgent(app, l);
		materializer_add(m, l);
	}
	usec_t rest = (feeder_is_busy(app) ? REST_BUSY : REST_IDLE) * took;
	timer_start(m->timer, is_calm ? rest : 0);
}

static void pump(void *arg)
{
	struct materializer *m = arg;
	struct app *app = m->app;
	struct list_node *node;

	if (m->is_busy || !app_leads(app) || (node = list_pop_front(&m->queue)) == NULL)
		return;
	struct line *l = CONTAINER_OF(node, struct line, node);
	if (!has_work(app, l)) {
		timer_start(m->timer, 0);
		return;
	}
	/* The line ran dry and time went on: what is appended now begins now. */
	if (l->feed_slot >= l->next_slot && line_instant(l, l->next_slot) < app_now(app)) {
		line_restart(app, l, l->next_slot);
		timer_start(m->timer, 0);
		return;
	}
	struct pg_unit *u = pg_unit_new();
	add_line_materialize(
		u, &(struct line_materialize_args){ .epoch = app->epoch,
						    .workspace_id = l->workspace_id,
						    .campaign_id = l->id,
						    .until = app_now(app) + HORIZON_US,
						    .most = app->settings.materialize_batch });
	m->current = l->id;
	m->mono_sent_at = loop_mono(app->loop);
	if (is_err(pg_submit(app->pg, u, on_made, m))) {
		materializer_add(m, l);
		timer_start(m->timer, FAILED_RETRY_US);
		return;
	}
	m->is_busy = true;
}
