/* Three tasks, each a short chain of statements. */
#include "finisher.h"

#include "base/mem.h"
#include "store_gen.h"
#include "sys/log.h"
#include "task.h"

#define COMPLETE_PERIOD_US (1 * USEC_PER_SEC)
#define COMPLETE_MAX 100
#define CANCEL_PERIOD_US (5 * USEC_PER_SEC)
#define CANCEL_BATCH 5000
#define ARCHIVE_PERIOD_US (60 * USEC_PER_SEC)
#define ARCHIVE_BATCH 2000

struct finisher {
	struct app *app;
	struct task *complete, *cancel, *archive;
	struct uuid workspace_id; /* being archived; nil = none */
	struct uuid after_id;
};

static bool failed(struct task *t, struct err e, const struct pg_unit *u, const char *event)
{
	if (!is_err(e))
		return false;
	log_warn(event, LERR(e), LS("sqlstate", pg_unit_sqlstate(u)),
		 LS("message", pg_unit_message(u)));
	task_done(t);
	return true;
}

static void submit(struct finisher *f, struct task *t, struct pg_unit *u, pg_done_fn done)
{
	if (is_err(pg_submit(f->app->pg, u, done, f)))
		task_done(t);
}

/* --- completed ---------------------------------------------------------------------------------- */

static void on_completed(struct err e, const struct pg_unit *u, void *arg)
{
	struct finisher *f = arg;

	if (failed(f->complete, e, u, "complete_failed"))
		return;
	fault_pass(&f->app->fault, "complete_answered");
	struct campaign_complete_row row;
	get_campaign_complete(pg_unit_result(u, 1), 0, &row);
	if (row.completed > 0)
		log_info("campaigns_completed", LI("n", row.completed));
	if (row.deliveries > 0)
		control_wake_senders(f->app->redis);
	task_done(f->complete);
}

static void pass_sent(void *arg)
{
	struct finisher *f = arg;
	fault_pass(&f->app->fault, "complete_sent");
}

static void on_finished(struct err e, const struct pg_unit *u, void *arg)
{
	struct finisher *f = arg;

	if (failed(f->complete, e, u, "complete_failed"))
		return;
	const struct pg_result *r = pg_unit_result(u, 0);
	size_t n = pg_result_rows(r);
	if (n == 0) {
		task_done(f->complete);
		return;
	}
	fault_pass(&f->app->fault, "complete_read");
	struct uuid ids[COMPLETE_MAX];
	for (size_t i = 0; i < n; i++) {
		struct campaign_finished_row row;
		get_campaign_finished(r, i, &row);
		ids[i] = row.campaign_id;
	}
	struct pg_unit *next = pg_unit_new();
	add_campaign_lock(next, &(struct campaign_lock_args){ .campaign_ids = { ids, n } });
	add_campaign_complete(next, &(struct campaign_complete_args){ .epoch = f->app->epoch,
								      .campaign_ids = { ids, n } });
	submit(f, f->complete, next, on_completed);
	loop_defer(f->app->loop, pass_sent, f);
}

static void on_complete_task(struct task *t, void *arg)
{
	struct finisher *f = arg;
	struct pg_unit *u = pg_unit_new();

	add_campaign_finished(u, &(struct campaign_finished_args){ .most = COMPLETE_MAX });
	submit(f, t, u, on_finished);
}

/* --- cancelled ---------------------------------------------------------------------------------- */

static void on_cancelled(struct err e, const struct pg_unit *u, void *arg)
{
	struct finisher *f = arg;

	if (failed(f->cancel, e, u, "cancel_failed"))
		return;
	struct campaign_cancel_targets_row targets;
	struct campaign_cancel_calls_row calls = { .cancelled = 0 };
	get_campaign_cancel_targets(pg_unit_result(u, 0), 0, &targets);
	if (pg_result_rows(pg_unit_result(u, 1)) > 0)
		get_campaign_cancel_calls(pg_unit_result(u, 1), 0, &calls);
	if (calls.cancelled > 0)
		control_wake_senders(f->app->redis);
	if (targets.seen == CANCEL_BATCH || calls.cancelled == CANCEL_BATCH)
		task_hurry(f->cancel);
	task_done(f->cancel);
}

static void on_standing(struct err e, const struct pg_unit *u, void *arg)
{
	struct finisher *f = arg;

	if (failed(f->cancel, e, u, "cancel_failed"))
		return;
	if (pg_result_rows(pg_unit_result(u, 0)) == 0) {
		task_done(f->cancel);
		return;
	}
	struct campaign_cancelled_row row;
	get_campaign_cancelled(pg_unit_result(u, 0), 0, &row);
	struct pg_unit *next = pg_unit_new();
	add_campaign_cancel_targets(
		next, &(struct campaign_cancel_targets_args){ .workspace_id = row.workspace_id,
							      .campaign_id = row.campaign_id,
							      .most = CANCEL_BATCH });
	add_campaign_cancel_calls(
		next, &(struct campaign_cancel_calls_args){ .workspace_id = row.workspace_id,
							    .campaign_id = row.campaign_id,
							    .most = CANCEL_BATCH });
	submit(f, f->cancel, next, on_cancelled);
}

static void on_cancel_task(struct task *t, void *arg)
{
	struct finisher *f = arg;
	struct pg_unit *u = pg_unit_new();

	add_campaign_cancelled(u, &(struct campaign_cancelled_args){ .most = 1 });
	submit(f, t, u, on_standing);
}

void finisher_look(struct finisher *f)
{
	task_hurry(f->cancel);
}

/* --- archive ------------------------------------------------------------------------------------ */

static void archive_next(struct finisher *f);

static void on_archived(struct err e, const struct pg_unit *u, void *arg)
{
	struct finisher *f = arg;

	if (failed(f->archive, e, u, "archive_failed"))
		return;
	struct call_archive_row row;
	get_call_archive(pg_unit_result(u, 0), 0, &row);
	if (row.moved > 0)
		log_info("archived", LI("calls", row.moved));
	if (row.seen == ARCHIVE_BATCH) {
		f->after_id = row.last_id;
		archive_next(f);
		return;
	}
	/* The next run takes the next workspace at once; the last one rests. */
	task_hurry(f->archive);
	task_done(f->archive);
}

static void archive_next(struct finisher *f)
{
	struct app *app = f->app;
	struct pg_unit *u = pg_unit_new();

	add_call_archive(u, &(struct call_archive_args){
				    .epoch = app->epoch,
				    .workspace_id = f->workspace_id,
				    .after_id = f->after_id,
				    .ended_before = app_now(app) - app->settings.archive_after_us,
				    .most = ARCHIVE_BATCH });
	submit(f, f->archive, u, on_archived);
}

static void on_workspace(struct err e, const struct pg_unit *u, void *arg)
{
	struct finisher *f = arg;

	if (failed(f->archive, e, u, "archive_failed"))
		return;
	if (pg_result_rows(pg_unit_result(u, 0)) == 0) {
		f->workspace_id = UUID_NIL;
		task_done(f->archive);
		return;
	}
	struct workspace_ids_row row;
	get_workspace_ids(pg_unit_result(u, 0), 0, &row);
	f->workspace_id = row.id;
	f->after_id = UUID_NIL;
	archive_next(f);
}

static void on_archive_task(struct task *t, void *arg)
{
	struct finisher *f = arg;
	struct pg_unit *u = pg_unit_new();

	add_workspace_ids(u,
			  &(struct workspace_ids_args){ .after_id = f->workspace_id, .most = 1 });
	add_dispatcher_forget(u);
	submit(f, t, u, on_workspace);
}

struct finisher *finisher_new(struct app *app)
{
	struct finisher *f = xcalloc(1, sizeof(*f));
	f->app = app;
	f->complete = task_new(app, COMPLETE_PERIOD_US, on_complete_task, f);
	f->cancel = task_new(app, CANCEL_PERIOD_US, on_cancel_task, f);
	f->archive = task_new(app, ARCHIVE_PERIOD_US, on_archive_task, f);
	return f;
}

void finisher_free(struct finisher *f)
{
	if (f == NULL)
		return;
	task_free(f->complete);
	task_free(f->cancel);
	task_free(f->archive);
	free(f);
}
