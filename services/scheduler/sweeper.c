/* Three tasks. The overdue pages go on where the last one ended, and begin again at the oldest call
 * that was still waiting, so that finished calls are not read over and over; or a little before their
 * end, since an instant that was decided before may be committed after they passed it. */
#include "sweeper.h"

#include "base/map.h"
#include "base/mem.h"
#include "book.h"
#include "feeder.h"
#include "measure.h"
#include "orphan.h"
#include "store_gen.h"
#include "sys/log.h"
#include "task.h"

#define OVERDUE_PERIOD_US (2 * USEC_PER_SEC)
#define OVERDUE_US (3 * USEC_PER_SEC)
#define OVERDUE_MAX 1000
#define LATE_COMMIT_US (15 * USEC_PER_SEC)
#define DEAD_PERIOD_US (1 * USEC_PER_SEC)
#define LINES_MAX 500
#define PER_LINE_MAX 500

struct sweeper {
	struct app *app;
	struct task *overdue, *dead;
	struct orphans *orphans;
	usec_t after; /* the page goes on after this instant and id */
	struct uuid after_id;
	usec_t until;
	usec_t low;      /* the oldest still waiting that this cycle met */
	bool is_rewound; /* the next run begins at the oldest */
	struct uuid ids[LINES_MAX];
	int64_t from[LINES_MAX], to[LINES_MAX];
	size_t n;
	struct map live;
	int shards_left;
};

/* --- overdue ------------------------------------------------------------------------------------ */

static void on_line(struct err e, const struct pg_unit *u, void *arg)
{
	struct sweeper *s = arg;
	struct line *lines[LINES_MAX];
	int64_t first[LINES_MAX];

	if (is_err(e)) {
		log_warn("sweep_failed", LERR(e), LS("message", pg_unit_message(u)));
		task_done(s->overdue);
		return;
	}
	const struct pg_result *r = pg_unit_result(u, 0);
	for (size_t i = 0; i < s->n; i++) {
		lines[i] = book_find(s->app->book, s->ids[i]);
		first[i] = s->to[i];
	}
	for (size_t i = pg_result_rows(r); i-- > 0;) {
		struct line_feed_row row;
		get_line_feed(r, i, &row);
		first[row.ord - 1] = row.slot;
	}
	feeder_append_line(s->app, r, lines);
	/* Everything below the first one found has left the line for good. */
	for (size_t i = 0; i < s->n; i++)
		if (lines[i] != NULL && lines[i]->sweep_slot == s->from[i])
			lines[i]->sweep_slot = first[i];
	task_done(s->overdue);
}

static void sweep_lines(struct sweeper *s)
{
	usec_t before = app_now(s->app) - OVERDUE_US;
	struct line *l;

	s->n = 0;
	for (size_t it = 0; (l = book_next(s->app->book, &it)) != NULL && s->n < LINES_MAX;) {
		if (!l->is_active || l->is_starting || l->line_at == USEC_NEVER || l->feed_slot < 0)
			continue;
		int64_t to = min_i64(line_slot_after(l, before), l->feed_slot);
		if (to <= l->sweep_slot)
			continue;
		s->ids[s->n] = l->id;
		s->from[s->n] = l->sweep_slot;
		s->to[s->n++] = to;
	}
	if (s->n == 0) {
		task_done(s->overdue);
		return;
	}
	struct pg_unit *u = pg_unit_new();
	add_line_feed(u, &(struct line_feed_args){ .campaign_ids = { s->ids, s->n },
						   .from_slots = { s->from, s->n },
						   .to_slots = { s->to, s->n },
						   .most = PER_LINE_MAX });
	if (is_err(pg_submit(s->app->pg, u, on_line, s)))
		task_done(s->overdue);
}

static void on_overdue(struct err e, const struct pg_unit *u, void *arg)
{
	struct sweeper *s = arg;

	if (is_err(e)) {
		log_warn("sweep_failed", LERR(e), LS("message", pg_unit_message(u)));
		task_done(s->overdue);
		return;
	}
	const struct pg_result *r = pg_unit_result(u, 0);
	size_t n = pg_result_rows(r);
	struct due_feed_row first, last;
	feeder_append_due(s->app, r);
	if (n > 0) {
		get_due_feed(r, 0, &first);
		s->low = min_i64(s->low, first.due_at);
	}
	if (n == OVERDUE_MAX) {
		get_due_feed(r, n - 1, &last);
		s->after = last.due_at;
		s->after_id = last.call_id;
	} else {
		s->after = min_i64(s->low, s->until - LATE_COMMIT_US);
		s->after_id = UUID_NIL;
		s->low = USEC_NEVER;
	}
	sweep_lines(s);
}

static void on_overdue_task(struct task *t, void *arg)
{
	struct sweeper *s = arg;

	(void)t; /* is s->overdue */
	if (s->is_rewound) {
		s->after = 0;
		s->after_id = UUID_NIL;
		s->low = USEC_NEVER;
		s->is_rewound = false;
	}
	s->until = app_now(s->app) - OVERDUE_US;
	struct pg_unit *u = pg_unit_new();
	add_due_feed(u, &(struct due_feed_args){ .after_at = s->after,
						 .after_id = s->after_id,
						 .until = s->until,
						 .most = OVERDUE_MAX });
	if (is_err(pg_submit(s->app->pg, u, on_overdue, s)))
		task_done(s->overdue);
}

/* --- dead dispatchers ---------------------------------------------------------------------------- */

static void on_requeued(struct err e, int64_t n, void *arg)
{
	struct sweeper *s = arg;

	if (is_err(e))
		log_warn("requeue_failed", LERR(e));
	else if (n > 0)
		log_info("requeued", LI("entries", n));
	measure_requeued(s->app->measures, n);
	if (n == DUE_REQUEUE_MAX)
		task_hurry(s->dead);
}

static void on_consumers(struct err e, const struct str *names, size_t n, void *arg)
{
	struct sweeper *s = arg;
	int shard = WIRE_SHARDS - s->shards_left;

	if (is_err(e))
		log_warn("consumers_failed", LERR(e));
	for (size_t i = 0; i < n && !is_err(e); i++) {
		struct uuid id;
		if (is_err(id_parse(ID_DISPATCHER, names[i], &id)) || map_get(&s->live, id) != NULL)
			continue;
		char *name = xstrndup(names[i]);
		due_requeue(s->app->redis, shard, name, on_requeued, s);
		free(name);
	}
	if (--s->shards_left > 0)
		due_consumers(s->app->redis, WIRE_SHARDS - s->shards_left, on_consumers, s);
	else
		task_done(s->dead);
}

static void on_ensured(struct err e, int64_t made, void *arg)
{
	struct sweeper *s = arg;

	if (!is_err(e) && made > 0) {
		log_warn("due_stream_remade");
		feeder_begin_again(s->app->feeder);
	}
}

static void on_live(struct err e, const struct pg_unit *u, void *arg)
{
	struct sweeper *s = arg;
	usec_t mono = loop_mono(s->app->loop);

	/* Leases could not be renewed while Postgres was away: nobody is judged right after. */
	usec_t back = pg_pool_mono_connected_at(s->app->pg);
	if (is_err(e) || mono - back < SWEEPER_PATIENCE_US) {
		task_done(s->dead);
		return;
	}
	map_deinit(&s->live);
	map_init(&s->live);
	const struct pg_result *r = pg_unit_result(u, 0);
	for (size_t i = 0; i < pg_result_rows(r); i++) {
		struct dispatcher_live_row row;
		get_dispatcher_live(r, i, &row);
		map_set(&s->live, row.id, s);
	}
	for (int shard = 0; shard < WIRE_SHARDS; shard++)
		due_ensure(s->app->redis, shard, on_ensured, s);
	s->shards_left = WIRE_SHARDS;
	due_consumers(s->app->redis, 0, on_consumers, s);
}

static void on_dead_task(struct task *t, void *arg)
{
	struct sweeper *s = arg;

	(void)t; /* is s->dead */
	struct pg_unit *u = pg_unit_new();
	add_dispatcher_live(u);
	if (is_err(pg_submit(s->app->pg, u, on_live, s)))
		task_done(s->dead);
}

struct sweeper *sweeper_new(struct app *app)
{
	struct sweeper *s = xcalloc(1, sizeof(*s));
	s->app = app;
	s->low = USEC_NEVER;
	map_init(&s->live);
	s->overdue = task_new(app, OVERDUE_PERIOD_US, on_overdue_task, s);
	s->dead = task_new(app, DEAD_PERIOD_US, on_dead_task, s);
	s->orphans = orphans_new(app);
	return s;
}

void sweeper_rewind(struct sweeper *s)
{
	s->is_rewound = true;
	task_hurry(s->overdue);
}

void sweeper_free(struct sweeper *s)
{
	if (s == NULL)
		return;
	orphans_free(s->orphans);
	task_free(s->overdue);
	task_free(s->dead);
	map_deinit(&s->live);
	free(s);
}
