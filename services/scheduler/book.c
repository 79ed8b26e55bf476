/* Reads page by page; a line that the full read did not meet has left. */
#include "book.h"

#include "base/map.h"
#include "base/mem.h"
#include "domain/slot.h"
#include "feeder.h"
#include "hours.h"
#include "materializer.h"
#include "store_gen.h"
#include "sweeper.h"
#include "sys/log.h"
#include "task.h"

#define READ_PERIOD_US (5 * USEC_PER_SEC)
#define PAGE 500
/* A plan begins this long after its commit; a line that stood still, this long after now. */
#define START_LEAD_MS 1000
#define RESTART_LEAD_MS 100

struct book {
	struct app *app;
	struct map lines;
	struct task *reader;
	uint64_t generation;
	struct uuid after;
};

static void read_page(struct book *b);

static void on_read_task(struct task *t, void *arg)
{
	struct book *b = arg;
	(void)t; /* is b->reader */
	b->generation++;
	b->after = UUID_NIL;
	read_page(b);
}

struct book *book_new(struct app *app)
{
	struct book *b = xcalloc(1, sizeof(*b));
	b->app = app;
	map_init(&b->lines);
	b->reader = task_new(app, READ_PERIOD_US, on_read_task, b);
	return b;
}

static void line_free(struct book *b, struct line *l)
{
	materializer_forget(b->app->materializer, l);
	(void)map_remove(&b->lines, l->id); /* it is l */
	hours_free(l->hours);
	free(l);
}

void book_forget_all(struct book *b)
{
	struct line *l;
	for (size_t it = 0; (l = map_next(&b->lines, &it)) != NULL;)
		line_free(b, l);
	task_hurry(b->reader);
}

void book_free(struct book *b)
{
	if (b == NULL)
		return;
	struct line *l;
	for (size_t it = 0; (l = map_next(&b->lines, &it)) != NULL;) {
		hours_free(l->hours);
		free(l);
	}
	map_deinit(&b->lines);
	task_free(b->reader);
	free(b);
}

void book_read_soon(struct book *b)
{
	task_hurry(b->reader);
}

struct line *book_find(const struct book *b, struct uuid campaign_id)
{
	return map_get(&b->lines, campaign_id);
}

struct line *book_next(const struct book *b, size_t *it)
{
	return map_next(&b->lines, it);
}

usec_t line_instant(const struct line *l, int64_t slot)
{
	return l->line_at + slot_offset(slot, l->limits.campaign_per_min);
}

int64_t line_slot_after(const struct line *l, usec_t at)
{
	return slot_after(at - l->line_at, l->limits.campaign_per_min);
}

int64_t line_tightest(const struct line *l)
{
	int64_t per_min = l->limits.campaign_per_min;
	if (l->limits.workspace_per_min > 0)
		per_min = min_i64(per_min, l->limits.workspace_per_min);
	if (l->limits.number_per_min > 0)
		per_min = min_i64(per_min, l->limits.number_per_min);
	return per_min;
}

/* --- where a line stands ---------------------------------------------------------------------- */

struct line_question {
	struct app *app;
	struct uuid id;
};

static struct line_question *question(struct app *app, struct line *l)
{
	struct line_question *q = xcalloc(1, sizeof(*q));
	*q = (struct line_question){ .app = app, .id = l->id };
	l->is_starting = true;
	return q;
}

static struct line *answer(struct line_question *q, struct err e, const char *what)
{
	struct line *l = book_find(q->app->book, q->id);
	free(q);
	if (l == NULL)
		return NULL;
	l->is_starting = false;
	if (is_err(e)) {
		log_warn(what, LID("campaign", ID_CAMPAIGN, l->id), LERR(e));
		return NULL;
	}
	return l;
}

static void on_started(struct err e, const struct pg_unit *u, void *arg)
{
	struct line_question *q = arg;
	struct app *app = q->app;
	struct line *l = answer(q, e, "line_start_failed");

	if (l == NULL || pg_result_rows(pg_unit_result(u, 0)) == 0)
		return; /* paused meanwhile, or not ours any more; the next read tells */
	struct line_start_row row;
	get_line_start(pg_unit_result(u, 0), 0, &row);
	l->line_at = row.line_at;
	l->feed_slot = row.first_slot;
	l->sweep_slot = min_i64(l->sweep_slot, row.first_slot);
	materializer_add(app->materializer, l);
}

void line_restart(struct app *app, struct line *l, int64_t from_slot)
{
	line_move(app, l, from_slot, USEC_NEVER);
}

void line_move(struct app *app, struct line *l, int64_t from_slot, usec_t begin_at)
{
	if (l->is_starting)
		return;
	struct pg_unit *u = pg_unit_new();
	add_line_start(u, &(struct line_start_args){
				  .epoch = app->epoch,
				  .workspace_id = l->workspace_id,
				  .campaign_id = l->id,
				  .from_slot = from_slot >= 0 ? from_slot : PG_NULL_I64,
				  .lead_ms = from_slot >= 0 ? RESTART_LEAD_MS : START_LEAD_MS,
				  .begin_at = begin_at });
	struct line_question *q = question(app, l);
	if (is_err(pg_submit(app->pg, u, on_started, q)))
		(void)answer(q, OK, ""); /* the next read asks again */
}

static void on_low(struct err e, const struct pg_unit *u, void *arg)
{
	struct line_question *q = arg;
	struct app *app = q->app;
	struct line *l = answer(q, e, "line_low_failed");

	if (l == NULL || pg_result_rows(pg_unit_result(u, 0)) == 0)
		return;
	struct line_low_row row;
	get_line_low(pg_unit_result(u, 0), 0, &row);
	l->feed_slot = row.slot;
	l->sweep_slot = row.slot;
	materializer_add(app->materializer, l);
}

static void find_low(struct app *app, struct line *l)
{
	if (l->is_starting)
		return;
	struct pg_unit *u = pg_unit_new();
	add_line_low(u, &(struct line_low_args){ .workspace_id = l->workspace_id,
						 .campaign_id = l->id });
	struct line_question *q = question(app, l);
	if (is_err(pg_submit(app->pg, u, on_low, q)))
		(void)answer(q, OK, ""); /* the next read asks again */
}

/* --- reading ---------------------------------------------------------------------------------- */

static int64_t or_zero(int64_t v)
{
	return v == PG_NULL_I64 ? 0 : v;
}

static void take_hours(struct line *l, const struct plan_load_row *row)
{
	if (l->campaign_at == row->campaign_at)
		return;
	l->campaign_at = row->campaign_at;
	hours_free(l->hours);
	l->hours = hours_new(l->id, row->calling_windows, row->timezone);
}

static void take_row(struct book *b, const struct plan_load_row *row)
{
	struct line *l = book_find(b, row->campaign_id);
	if (l == NULL) {
		l = xcalloc(1, sizeof(*l));
		l->id = row->campaign_id;
		l->workspace_id = row->workspace_id;
		l->number_id = row->number_id;
		l->feed_slot = -1;
		map_set(&b->lines, l->id, l);
	}
	l->seen = b->generation;
	l->shard = (int)row->shard;
	l->limits = (struct due_limits){ .campaign_per_min = row->rate_per_minute,
					 .workspace_per_min = or_zero(row->workspace_per_minute),
					 .number_per_min = or_zero(row->number_per_minute) };
	l->limits_at = app_now(b->app);
	take_hours(l, row);
	bool was_active = l->is_active;
	l->is_active = str_eq(row->status, STR("active"));
	l->line_at = row->line_at;
	l->next_slot = max_i64(l->next_slot, row->next_slot);
	l->position = max_i64(l->position, row->position);
	l->last_position = row->last_position;
	if (!l->is_active)
		return;
	if (!was_active) {
		/* While it was held, its retries were passed over. */
		feeder_rewind_due(b->app->feeder);
		sweeper_rewind(b->app->sweeper);
	}
	if (l->line_at == USEC_NEVER)
		line_restart(b->app, l, -1);
	else if (l->feed_slot < 0)
		find_low(b->app, l);
	else
		materializer_add(b->app->materializer, l);
}

static void finish_read(struct book *b)
{
	struct line *l;
	for (size_t it = 0; (l = map_next(&b->lines, &it)) != NULL;)
		if (l->seen != b->generation)
			line_free(b, l);
	task_done(b->reader);
}

static void on_page(struct err e, const struct pg_unit *u, void *arg)
{
	struct book *b = arg;

	if (is_err(e)) {
		log_warn("plan_load_failed", LERR(e), LS("message", pg_unit_message(u)));
		task_done(b->reader);
		return;
	}
	const struct pg_result *r = pg_unit_result(u, 0);
	struct plan_load_row row;
	for (size_t i = 0; i < pg_result_rows(r); i++) {
		get_plan_load(r, i, &row);
		take_row(b, &row);
	}
	if (pg_result_rows(r) < PAGE) {
		finish_read(b);
		return;
	}
	b->after = row.campaign_id;
	read_page(b);
}

static void read_page(struct book *b)
{
	struct pg_unit *u = pg_unit_new();
	add_plan_load(u, &(struct plan_load_args){ .after_id = b->after, .most = PAGE });
	if (is_err(pg_submit(b->app->pg, u, on_page, b)))
		task_done(b->reader);
}

static void on_one(struct err e, const struct pg_unit *u, void *arg)
{
	struct app *app = arg;

	if (is_err(e)) {
		log_warn("plan_load_failed", LERR(e), LS("message", pg_unit_message(u)));
		return; /* the regular read follows */
	}
	if (app->epoch == 0 || pg_result_rows(pg_unit_result(u, 0)) == 0)
		return;
	struct plan_load_row row;
	get_plan_load(pg_unit_result(u, 0), 0, &row);
	take_row(app->book, &row);
}

void book_look_at(struct book *b, struct uuid campaign_id)
{
	struct pg_unit *u = pg_unit_new();
	add_plan_load(u, &(struct plan_load_args){ .campaign_id = campaign_id, .most = 1 });
	if (is_err(pg_submit(b->app->pg, u, on_one, b->app)))
		task_hurry(b->reader);
}
