/* One task: the tables one after another, each until nothing is to be made and nothing to be dropped;
 * then a look at how far ahead they reach. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "measure.h"
#include "store_gen.h"
#include "sys/log.h"
#include "task.h"

#define TABLES_MAX 16
/* Of three spans ahead, two may be missed before a row finds no partition of its time. */
#define SPANS_AHEAD 3
#define LOOKS_PER_SPAN 8
#define PERIOD_MIN_US USEC_PER_SEC
#define PERIOD_MAX_US (10 * 60 * USEC_PER_SEC)
/* Of one table in one run: whatever is left waits for the next. */
#define STEPS_MAX 64
#define SQLSTATE_LOCKED "55P03"

struct table {
	char name[64];
	bool is_call;
};

struct history {
	struct app *app;
	struct task *task;
	struct table tables[TABLES_MAX];
	size_t n, i;
	int steps;
	bool is_last_look;
	int64_t kept; /* in this run: past their time, and needed */
};

static void ask_tables(struct history *h);
static void next_table(struct history *h);
static void make(struct history *h);
static void drop(struct history *h);

static bool failed(struct history *h, struct err e, const struct pg_unit *u)
{
	if (!is_err(e))
		return false;
	if (strcmp(pg_unit_sqlstate(u), SQLSTATE_LOCKED) == 0)
		log_info("history_busy", LS("message", pg_unit_message(u)));
	else
		log_warn("history_failed", LERR(e), LS("sqlstate", pg_unit_sqlstate(u)),
			 LS("message", pg_unit_message(u)));
	measure_history_failed(h->app->measures);
	task_done(h->task);
	return true;
}

static void submit(struct history *h, struct pg_unit *u, pg_done_fn done)
{
	if (is_err(pg_submit(h->app->pg, u, done, h)))
		task_done(h->task); /* the next run begins anew */
}

static struct str table_name(const struct history *h)
{
	return str_from(h->tables[h->i].name);
}

/* --- dropping ------------------------------------------------------------------------------------ */

static void on_dropped(struct err e, const struct pg_unit *u, void *arg)
{
	struct history *h = arg;
	struct history_drop_row row;

	if (failed(h, e, u))
		return;
	if (pg_result_rows(pg_unit_result(u, 0)) == 0) {
		task_done(h->task); /* another leads */
		return;
	}
	get_history_drop(pg_unit_result(u, 0), 0, &row);
	if (row.name.n > 0) {
		fault_pass(&h->app->fault, "history_dropped");
		log_info("history_dropped", LT("partition", row.name));
		measure_history(h->app->measures, false);
		if (++h->steps < STEPS_MAX) {
			drop(h);
			return;
		}
	}
	if (row.is_busy) {
		log_info("history_busy", LS("table", h->tables[h->i].name));
		measure_history_failed(h->app->measures);
	}
	h->kept += row.kept;
	h->i++;
	next_table(h);
}

static void pass_sent(void *arg)
{
	struct history *h = arg;
	fault_pass(&h->app->fault, "history_sent");
}

static void drop(struct history *h)
{
	struct app *app = h->app;
	usec_t keep_us = h->tables[h->i].is_call ? app->settings.call_retention_us
						 : app->settings.retention_us;

	if (keep_us == 0) { /* for ever */
		h->i++;
		next_table(h);
		return;
	}
	struct pg_unit *u = pg_unit_new();
	add_history_drop(u, &(struct history_drop_args){ .epoch = app->epoch,
							 .parent = table_name(h),
							 .older_than = app_now(app) - keep_us });
	submit(h, u, on_dropped);
	loop_defer(app->loop, pass_sent, h);
}

/* --- making -------------------------------------------------------------------------------------- */

static void on_made(struct err e, const struct pg_unit *u, void *arg)
{
	struct history *h = arg;
	struct history_make_row row;

	if (failed(h, e, u))
		return;
	if (pg_result_rows(pg_unit_result(u, 0)) == 0) {
		task_done(h->task); /* another leads */
		return;
	}
	get_history_make(pg_unit_result(u, 0), 0, &row);
	if (row.name.n == 0) {
		drop(h);
		return;
	}
	fault_pass(&h->app->fault, "history_made");
	log_info("history_made", LT("partition", row.name));
	measure_history(h->app->measures, true);
	if (++h->steps < STEPS_MAX)
		make(h);
	else
		drop(h);
}

static void make(struct history *h)
{
	struct app *app = h->app;
	struct pg_unit *u = pg_unit_new();

	add_history_make(u, &(struct history_make_args){ .epoch = app->epoch,
							 .parent = table_name(h),
							 .width_us = app->settings.partition_us,
							 .ahead_us = SPANS_AHEAD *
								     app->settings.partition_us });
	submit(h, u, on_made);
	loop_defer(app->loop, pass_sent, h);
}

/* --- the tables ---------------------------------------------------------------------------------- */

static void next_table(struct history *h)
{
	h->steps = 0;
	if (h->i < h->n) {
		make(h);
		return;
	}
	h->is_last_look = true;
	ask_tables(h);
}

static void on_tables(struct err e, const struct pg_unit *u, void *arg)
{
	struct history *h = arg;
	int64_t left_us = INT64_MAX, spans = 0;

	if (failed(h, e, u))
		return;
	const struct pg_result *r = pg_unit_result(u, 0);
	h->n = pg_result_rows(r);
	for (size_t i = 0; i < h->n; i++) {
		struct history_tables_row row;
		get_history_tables(r, i, &row);
		h->tables[i] = (struct table){ .is_call = row.is_call };
		memcpy(h->tables[i].name, row.parent.p,
		       min_size(row.parent.n, sizeof(h->tables[i].name) - 1));
		left_us = min_i64(left_us, row.left_us == PG_NULL_I64 ? 0 : row.left_us);
		spans += row.spans;
	}
	if (h->is_last_look) {
		measure_history_state(h->app->measures, left_us, spans, h->kept);
		task_done(h->task);
		return;
	}
	next_table(h);
}

static void ask_tables(struct history *h)
{
	struct pg_unit *u = pg_unit_new();
	add_history_tables(u, &(struct history_tables_args){ .most = TABLES_MAX });
	submit(h, u, on_tables);
}

static void run(struct task *t, void *arg)
{
	struct history *h = arg;
	(void)t; /* it is h->task */
	h->i = 0;
	h->kept = 0;
	h->is_last_look = false;
	ask_tables(h);
}

/* --- life ---------------------------------------------------------------------------------------- */

void history_look(struct history *h)
{
	task_hurry(h->task);
}

struct history *history_new(struct app *app)
{
	struct history *h = xcalloc(1, sizeof(*h));
	usec_t period_us = app->settings.partition_us / LOOKS_PER_SPAN;
	h->app = app;
	h->task = task_new(app, max_i64(PERIOD_MIN_US, min_i64(PERIOD_MAX_US, period_us)), run, h);
	return h;
}

void history_free(struct history *h)
{
	if (h == NULL)
		return;
	task_free(h->task);
	free(h);
}
