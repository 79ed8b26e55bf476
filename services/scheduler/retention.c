/* One task, three rounds in a row: the events of each workspace, the deliveries of each endpoint, the
 * finished calls with the stored answers. A round is a walk along a key, batch by batch. */
#include "retention.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store_gen.h"
#include "sys/log.h"
#include "task.h"

#define BATCH 1000
/* A look a few thousand times in the span that is kept, neither haste nor neglect. */
#define LOOKS 4320
#define PERIOD_MIN_US USEC_PER_SEC
#define PERIOD_MAX_US (10 * 60 * USEC_PER_SEC)

struct retention {
	struct app *app;
	struct task *task;
	usec_t older_than, calls_older_than; /* of this run; 0: nothing is */
	struct uuid workspace_id, endpoint_id;
	int64_t after_sequence;
	struct uuid after_id;
	int64_t n_events, n_deliveries, n_calls, n_answers;
};

static bool failed(struct retention *r, struct err e, const struct pg_unit *u)
{
	if (!is_err(e))
		return false;
	log_warn("retention_failed", LERR(e), LS("sqlstate", pg_unit_sqlstate(u)),
		 LS("message", pg_unit_message(u)));
	task_done(r->task);
	return true;
}

static void submit(struct retention *r, struct pg_unit *u, pg_done_fn done)
{
	if (is_err(pg_submit(r->app->pg, u, done, r)))
		task_done(r->task); /* the next run begins anew */
}

/* --- answers -------------------------------------------------------------------------------- */

static void delete_answers(struct retention *r);

static void on_answers(struct err e, const struct pg_unit *u, void *arg)
{
	struct retention *r = arg;
	if (failed(r, e, u))
		return;
	int64_t n = pg_result_affected(pg_unit_result(u, 0));
	struct retention_calls_row calls;
	get_retention_calls(pg_unit_result(u, 2), 0, &calls);
	r->n_answers += n;
	r->n_calls += calls.calls;
	if (n == BATCH || calls.calls == BATCH || calls.attempts == BATCH ||
	    calls.conversations == BATCH) {
		delete_answers(r);
		return;
	}
	if (r->n_events > 0 || r->n_deliveries > 0 || r->n_calls > 0 || r->n_answers > 0)
		log_info("retention", LI("events", r->n_events), LI("deliveries", r->n_deliveries),
			 LI("calls", r->n_calls), LI("answers", r->n_answers));
	task_done(r->task);
}

static void delete_answers(struct retention *r)
{
	struct pg_unit *u = pg_unit_new();
	add_retention_answers(u, &(struct retention_answers_args){ .most = BATCH });
	add_retention_traces(
		u, &(struct retention_traces_args){ .older_than = r->older_than, .most = BATCH });
	add_retention_calls(u, &(struct retention_calls_args){ .older_than = r->calls_older_than,
							       .most = BATCH });
	submit(r, u, on_answers);
}

/* --- deliveries ----------------------------------------------------------------------------- */

static void next_endpoint(struct retention *r);
static void delete_deliveries(struct retention *r);

static void on_deliveries(struct err e, const struct pg_unit *u, void *arg)
{
	struct retention *r = arg;
	struct retention_deliveries_row row;
	if (failed(r, e, u))
		return;
	get_retention_deliveries(pg_unit_result(u, 0), 0, &row);
	r->n_deliveries += row.gone;
	r->after_id = row.last_id;
	if (row.seen == BATCH)
		delete_deliveries(r);
	else
		next_endpoint(r);
}

static void delete_deliveries(struct retention *r)
{
	struct pg_unit *u = pg_unit_new();
	add_retention_deliveries(
		u, &(struct retention_deliveries_args){ .workspace_id = r->workspace_id,
							.endpoint_id = r->endpoint_id,
							.after_id = r->after_id,
							.ended_before = r->older_than,
							.most = BATCH });
	submit(r, u, on_deliveries);
}

static void on_endpoint(struct err e, const struct pg_unit *u, void *arg)
{
	struct retention *r = arg;
	struct retention_endpoints_row row;
	if (failed(r, e, u))
		return;
	if (pg_result_rows(pg_unit_result(u, 0)) == 0) {
		delete_answers(r);
		return;
	}
	get_retention_endpoints(pg_unit_result(u, 0), 0, &row);
	r->workspace_id = row.workspace_id;
	r->endpoint_id = row.id;
	r->after_id = UUID_NIL;
	delete_deliveries(r);
}

static void next_endpoint(struct retention *r)
{
	struct pg_unit *u = pg_unit_new();
	add_retention_endpoints(
		u, &(struct retention_endpoints_args){ .after_workspace_id = r->workspace_id,
						       .after_id = r->endpoint_id,
						       .most = 1 });
	submit(r, u, on_endpoint);
}

/* --- events --------------------------------------------------------------------------------- */

static void next_workspace(struct retention *r);
static void delete_events(struct retention *r);

static void on_events(struct err e, const struct pg_unit *u, void *arg)
{
	struct retention *r = arg;
	struct retention_events_row row;
	if (failed(r, e, u))
		return;
	get_retention_events(pg_unit_result(u, 0), 0, &row);
	r->n_events += row.gone;
	r->after_sequence = row.upto;
	if (row.gone == BATCH)
		delete_events(r);
	else
		next_workspace(r);
}

static void delete_events(struct retention *r)
{
	struct pg_unit *u = pg_unit_new();
	add_retention_events(u, &(struct retention_events_args){ .workspace_id = r->workspace_id,
								 .after = r->after_sequence,
								 .older_than = r->older_than,
								 .most = BATCH });
	submit(r, u, on_events);
}

static void on_workspace(struct err e, const struct pg_unit *u, void *arg)
{
	struct retention *r = arg;
	struct workspace_ids_row row;
	if (failed(r, e, u))
		return;
	if (pg_result_rows(pg_unit_result(u, 0)) == 0) {
		r->workspace_id = r->endpoint_id = UUID_NIL;
		next_endpoint(r);
		return;
	}
	get_workspace_ids(pg_unit_result(u, 0), 0, &row);
	r->workspace_id = row.id;
	r->after_sequence = 0;
	delete_events(r);
}

static void next_workspace(struct retention *r)
{
	struct pg_unit *u = pg_unit_new();
	add_workspace_ids(u,
			  &(struct workspace_ids_args){ .after_id = r->workspace_id, .most = 1 });
	submit(r, u, on_workspace);
}

static usec_t before(const struct app *app, usec_t keep_us)
{
	return keep_us == 0 ? 0 : app_now(app) - keep_us;
}

static void run(struct task *t, void *arg)
{
	struct retention *r = arg;
	(void)t; /* it is r->task */
	r->older_than = before(r->app, r->app->settings.retention_us);
	r->calls_older_than = before(r->app, r->app->settings.call_retention_us);
	r->workspace_id = UUID_NIL;
	r->n_events = r->n_deliveries = r->n_calls = r->n_answers = 0;
	next_workspace(r);
}

/* --- life ----------------------------------------------------------------------------------- */

struct retention *retention_new(struct app *app)
{
	struct retention *r = xcalloc(1, sizeof(*r));
	usec_t keep_us = app->settings.retention_us;
	usec_t period_us = keep_us == 0 ? PERIOD_MAX_US : keep_us / LOOKS;
	r->app = app;
	r->task = task_new(app, max_i64(PERIOD_MIN_US, min_i64(PERIOD_MAX_US, period_us)), run, r);
	return r;
}

void retention_free(struct retention *r)
{
	if (r == NULL)
		return;
	task_free(r->task);
	free(r);
}
