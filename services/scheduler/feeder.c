/* A run: how much stands in each stream, then the lines, then the instants. */
#include "feeder.h"

#include "base/map.h"
#include "base/mem.h"
#include "domain/slot.h"
#include "hours.h"
#include "measure.h"
#include "sys/log.h"
#include "task.h"

#define PERIOD_US (200 * USEC_PER_MS)
#define HORIZON_US FEEDER_HORIZON_US
#define STALL_US (1 * USEC_PER_SEC)
#define BACKLOG_MIN 20
#define BACKLOG_MAX 10000
#define BUSY_MIN 100  /* entries within the horizon */
#define LINES_MAX 500 /* fed in one run */
#define PER_LINE_MAX 2000
#define DUE_MAX 2000

struct feeder {
	struct app *app;
	struct task *task;
	int shards_left;               /* backlog answers to come */
	struct line *lines[LINES_MAX]; /* in the statement under way; NULL once it left */
	struct uuid ids[LINES_MAX];
	int64_t from[LINES_MAX], to[LINES_MAX];
	size_t n;
	size_t start; /* where the next run begins among the lines: fairness beyond LINES_MAX */
	usec_t due_after;
	struct uuid due_after_id;
	usec_t due_until;
	bool is_rewound;
};

static void on_run(struct task *t, void *arg);

struct feeder *feeder_new(struct app *app)
{
	struct feeder *f = xcalloc(1, sizeof(*f));
	f->app = app;
	f->task = task_new(app, PERIOD_US, on_run, f);
	return f;
}

void feeder_free(struct feeder *f)
{
	if (f == NULL)
		return;
	task_free(f->task);
	free(f);
}

void feeder_rewind_due(struct feeder *f)
{
	/* What was due before this the sweeper brings. */
	f->is_rewound = true;
	task_hurry(f->task);
}

void feeder_begin_again(struct feeder *f)
{
	struct line *l;

	feeder_rewind_due(f);
	for (size_t it = 0; (l = book_next(f->app->book, &it)) != NULL;)
		if (l->feed_slot > l->sweep_slot)
			l->feed_slot = l->sweep_slot;
}

/* --- entries ------------------------------------------------------------------------------------ */

struct entry_batch {
	struct app *app;
	struct due_entry *v[WIRE_SHARDS];
	size_t n[WIRE_SHARDS];
};

static void batch_flush(struct entry_batch *b, int shard)
{
	if (b->n[shard] > 0)
		due_append(b->app->redis, &(struct due_batch){ shard, b->v[shard], b->n[shard] },
			   NULL, NULL);
	b->n[shard] = 0;
}

static void batch_add(struct entry_batch *b, int shard, const struct due_entry *e)
{
	if (shard < 0 || shard >= WIRE_SHARDS)
		return;
	if (b->v[shard] == NULL)
		b->v[shard] = xcalloc(DUE_APPEND_MAX, sizeof(struct due_entry));
	b->v[shard][b->n[shard]++] = *e;
	if (b->n[shard] == DUE_APPEND_MAX)
		batch_flush(b, shard);
}

/* Counted over windows as long as the horizon. */
static void note_fed(struct app *app, size_t n)
{
	usec_t now = loop_mono(app->loop);

	if (now >= app->mono_fed_until) {
		app->fed_before = now < app->mono_fed_until + HORIZON_US ? app->fed : 0;
		app->fed = 0;
		app->mono_fed_until = now + HORIZON_US;
	}
	app->fed += n;
	measure_fed(app->measures, n);
}

bool feeder_is_busy(const struct app *app)
{
	return loop_mono(app->loop) < app->mono_fed_until + HORIZON_US &&
	       (app->fed >= BUSY_MIN || app->fed_before >= BUSY_MIN);
}

static void batch_end(struct entry_batch *b)
{
	for (int s = 0; s < WIRE_SHARDS; s++) {
		batch_flush(b, s);
		free(b->v[s]);
	}
}

void feeder_append_line(struct app *app, const struct pg_result *r, struct line *const *lines)
{
	struct entry_batch b = { .app = app };

	for (size_t i = 0; i < pg_result_rows(r); i++) {
		struct line_feed_row row;
		get_line_feed(r, i, &row);
		const struct line *l = lines[row.ord - 1];
		if (l == NULL)
			continue;
		batch_add(&b, l->shard,
			  &(struct due_entry){ .call_id = row.call_id,
					       .workspace_id = l->workspace_id,
					       .campaign_id = l->id,
					       .number_id = l->number_id,
					       .due_at = line_instant(l, row.slot),
					       .in_line = true,
					       .limits = l->limits,
					       .limits_at = l->limits_at });
	}
	batch_end(&b);
}

static int64_t or_zero(int64_t v)
{
	return v == PG_NULL_I64 ? 0 : v;
}

void feeder_append_due(struct app *app, const struct pg_result *r)
{
	struct entry_batch b = { .app = app };

	for (size_t i = 0; i < pg_result_rows(r); i++) {
		struct due_feed_row row;
		get_due_feed(r, i, &row);
		batch_add(
			&b, (int)row.shard,
			&(struct due_entry){
				.call_id = row.call_id,
				.workspace_id = row.workspace_id,
				.campaign_id = row.campaign_id,
				.number_id = row.number_id,
				.due_at = row.due_at,
				.limits = { .campaign_per_min = or_zero(row.campaign_per_minute),
					    .workspace_per_min = or_zero(row.workspace_per_minute),
					    .number_per_min = or_zero(row.number_per_minute) },
				.limits_at = app_now(app) });
	}
	batch_end(&b);
}

/* --- the run ------------------------------------------------------------------------------------ */

static void on_due(struct err e, const struct pg_unit *u, void *arg)
{
	struct feeder *f = arg;

	if (is_err(e)) {
		log_warn("due_feed_failed", LERR(e), LS("message", pg_unit_message(u)));
		task_done(f->task);
		return;
	}
	const struct pg_result *r = pg_unit_result(u, 0);
	size_t n = pg_result_rows(r);
	feeder_append_due(f->app, r);
	note_fed(f->app, n);
	if (n == DUE_MAX) {
		struct due_feed_row row;
		get_due_feed(r, n - 1, &row);
		f->due_after = row.due_at;
		f->due_after_id = row.call_id;
		task_hurry(f->task);
	} else {
		f->due_after = f->due_until;
		f->due_after_id = UUID_NIL;
	}
	task_done(f->task);
}

static void feed_due(struct feeder *f)
{
	if (f->is_rewound) {
		f->due_after = app_now(f->app) - HORIZON_US;
		f->due_after_id = UUID_NIL;
		f->is_rewound = false;
	}
	f->due_until = app_now(f->app) + HORIZON_US;
	struct pg_unit *u = pg_unit_new();
	add_due_feed(u, &(struct due_feed_args){ .after_at = f->due_after,
						 .after_id = f->due_after_id,
						 .until = f->due_until,
						 .most = DUE_MAX });
	if (is_err(pg_submit(f->app->pg, u, on_due, f)))
		task_done(f->task);
}

static void on_line(struct err e, const struct pg_unit *u, void *arg)
{
	struct feeder *f = arg;

	if (is_err(e)) {
		log_warn("line_feed_failed", LERR(e), LS("message", pg_unit_message(u)));
		task_done(f->task);
		return;
	}
	const struct pg_result *r = pg_unit_result(u, 0);
	int64_t count[LINES_MAX] = { 0 }, last[LINES_MAX];
	/* A line may have left the book, or begun anew, while the statement was under way. */
	for (size_t i = 0; i < f->n; i++) {
		f->lines[i] = book_find(f->app->book, f->ids[i]);
		if (f->lines[i] != NULL && f->lines[i]->feed_slot != f->from[i])
			f->lines[i] = NULL;
	}
	for (size_t i = 0; i < pg_result_rows(r); i++) {
		struct line_feed_row row;
		get_line_feed(r, i, &row);
		count[row.ord - 1]++;
		last[row.ord - 1] = row.slot;
	}
	feeder_append_line(f->app, r, f->lines);
	note_fed(f->app, pg_result_rows(r));
	for (size_t i = 0; i < f->n; i++)
		if (f->lines[i] != NULL)
			f->lines[i]->feed_slot = count[i] == PER_LINE_MAX ? last[i] + 1 : f->to[i];
	feed_due(f);
}

/* How many more entries of this line may stand in its stream. */
static int64_t room(const struct line *l)
{
	int64_t horizon = line_tightest(l) * (HORIZON_US / USEC_PER_SEC) / 60;
	return min_i64(max_i64(horizon, BACKLOG_MIN), BACKLOG_MAX) - l->queued;
}

/* A line whose calling window is closed where it stands goes on at the opening. Of an open one only
 * what is due before the closing is fed: *to_slot_out is the first that is not. One whose window
 * never opens again is fed: the claims end its calls. */
static bool is_held(struct app *app, struct line *l, int64_t *to_slot_out)
{
	usec_t next = line_instant(l, l->feed_slot);

	*to_slot_out = INT64_MAX;
	if (l->hours == NULL)
		return false;
	struct window_state s = hours_at(l->hours, app->zones, max_i64(next, app_now(app)));
	if (s.is_open && s.until != USEC_NEVER)
		*to_slot_out = line_slot_after(l, s.until - 1);
	if (s.is_open || s.until == USEC_NEVER)
		return false;
	if (next != s.until)
		line_move(app, l, l->feed_slot, s.until);
	return true;
}

static void choose(struct feeder *f, struct line *l)
{
	struct app *app = f->app;
	usec_t now = app_now(app);
	int64_t open_to;

	if (!l->is_active || l->is_starting || l->line_at == USEC_NEVER || l->feed_slot < 0 ||
	    l->feed_slot >= l->next_slot || is_held(app, l, &open_to))
		return;
	int64_t free_room = room(l);
	int64_t to = min_i64(line_slot_after(l, now + HORIZON_US), min_i64(l->next_slot, open_to));
	to = min_i64(to, l->feed_slot + min_i64(free_room, PER_LINE_MAX));
	if (to <= l->feed_slot)
		return;
	if (line_instant(l, l->feed_slot) < now - STALL_US) {
		line_restart(app, l, l->feed_slot);
		return;
	}
	f->ids[f->n] = l->id;
	f->from[f->n] = l->feed_slot;
	f->to[f->n++] = to;
}

static void feed_lines(struct feeder *f)
{
	struct line *l;
	size_t i = 0;

	f->n = 0;
	for (size_t it = 0; (l = book_next(f->app->book, &it)) != NULL && f->n < LINES_MAX; i++)
		if (i >= f->start)
			choose(f, l);
	f->start = l != NULL ? i : 0;
	if (f->n == 0) {
		feed_due(f);
		return;
	}
	struct pg_unit *u = pg_unit_new();
	add_line_feed(u, &(struct line_feed_args){ .campaign_ids = { f->ids, f->n },
						   .from_slots = { f->from, f->n },
						   .to_slots = { f->to, f->n },
						   .most = PER_LINE_MAX });
	if (is_err(pg_submit(f->app->pg, u, on_line, f)))
		task_done(f->task);
}

static void on_backlog(struct err e, int64_t total, const struct due_backlog_row *v, size_t n,
		       void *arg)
{
	struct feeder *f = arg;

	(void)total; /* the bound is by campaign */
	if (is_err(e)) {
		/* Without Redis nothing can be fed; the run ends with the last answer. */
		log_warn("backlog_failed", LERR(e));
		f->n = SIZE_MAX;
	}
	for (size_t i = 0; i < n; i++) {
		struct line *l = book_find(f->app->book, v[i].campaign_id);
		if (l != NULL)
			l->queued = v[i].n;
	}
	if (--f->shards_left > 0)
		return;
	if (f->n == SIZE_MAX)
		task_done(f->task);
	else
		feed_lines(f);
}

static void on_run(struct task *t, void *arg)
{
	struct feeder *f = arg;
	struct line *l;

	bool any = false;

	(void)t; /* is f->task */
	f->n = 0;
	for (size_t it = 0; (l = book_next(f->app->book, &it)) != NULL;) {
		l->queued = 0;
		any = any || l->is_active;
	}
	if (!any) {
		feed_due(f);
		return;
	}
	f->shards_left = WIRE_SHARDS;
	for (int s = 0; s < WIRE_SHARDS; s++)
		due_backlog(f->app->redis, s, on_backlog, f);
}
