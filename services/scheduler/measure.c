/* Counters of the work; a task of the leader's for what waits, whose gauges are absent elsewhere. */
#include "measure.h"

#include <stdlib.h>

#include "base/mem.h"
#include "redis/redis.h"
#include "store_gen.h"
#include "sys/log.h"
#include "sys/metrics.h"
#include "task.h"

#define CENSUS_PERIOD_US (5 * USEC_PER_SEC)
#define OVERDUE_US (10 * USEC_PER_SEC)
#define COUNT_MAX 10000

struct measures {
	struct app *app;
	struct task *census;
	int shards_left;
	int64_t *leader, *epoch, *leads, *redis_up;
	int64_t *passes, *bulk, *recurring, *fed, *requeued, *uncertain, *lost;
	struct histogram *batch;
	int64_t *entries[WIRE_SHARDS], *undelivered[WIRE_SHARDS], *lag[WIRE_SHARDS];
	int64_t *deliveries, *oldest, *overdue;
	int64_t *spans_made, *spans_dropped, *spans_failed, *spans_left, *spans, *spans_kept;
};

/* --- the census ----------------------------------------------------------------------------- */

static void forget_streams(struct measures *ms)
{
	for (int s = 0; s < WIRE_SHARDS; s++)
		*ms->entries[s] = *ms->undelivered[s] = *ms->lag[s] = METRIC_ABSENT;
}

static void forget(struct measures *ms)
{
	forget_streams(ms);
	*ms->deliveries = *ms->oldest = *ms->overdue = METRIC_ABSENT;
}

static void forget_history(struct measures *ms)
{
	*ms->spans_left = *ms->spans = *ms->spans_kept = METRIC_ABSENT;
}

static void ask_depth(struct measures *ms);

static void on_depth(struct err e, const struct due_depth *d, void *arg)
{
	struct measures *ms = arg;
	int s = WIRE_SHARDS - ms->shards_left;

	if (is_err(e)) {
		/* Nothing more is asked of a connection that is away, or closing. */
		forget_streams(ms);
		task_done(ms->census);
		return;
	}
	*ms->entries[s] = d->entries;
	*ms->undelivered[s] = d->undelivered;
	*ms->lag[s] = d->lag_us;
	ms->shards_left--;
	if (ms->shards_left > 0)
		ask_depth(ms);
	else
		task_done(ms->census);
}

static void ask_depth(struct measures *ms)
{
	due_depth(ms->app->redis, WIRE_SHARDS - ms->shards_left, on_depth, ms);
}

static void on_backlog(struct err e, const struct pg_unit *u, void *arg)
{
	struct measures *ms = arg;
	struct census_backlog_row row;

	if (is_err(e)) {
		log_warn("census_failed", LERR(e), LS("message", pg_unit_message(u)));
		forget(ms);
		task_done(ms->census);
		return;
	}
	get_census_backlog(pg_unit_result(u, 0), 0, &row);
	*ms->deliveries = row.deliveries;
	*ms->oldest = row.oldest_due_at == USEC_NEVER
			      ? 0
			      : max_i64(0, app_now(ms->app) - row.oldest_due_at);
	*ms->overdue = row.calls;
	ms->shards_left = WIRE_SHARDS;
	ask_depth(ms);
}

static void on_census(struct task *t, void *arg)
{
	struct measures *ms = arg;
	struct pg_unit *u = pg_unit_new();

	add_census_backlog(
		u, &(struct census_backlog_args){ .overdue_before = app_now(ms->app) - OVERDUE_US,
						  .most = COUNT_MAX });
	if (is_err(pg_submit(ms->app->pg, u, on_backlog, ms)))
		task_done(t);
}

static void collect(void *arg)
{
	struct measures *ms = arg;
	const struct app *app = ms->app;
	bool leads = app_leads(app);

	*ms->leader = leads;
	*ms->epoch = leads ? app->epoch : METRIC_ABSENT;
	*ms->redis_up = redis_is_up(app->redis);
	if (!leads) {
		forget(ms);
		forget_history(ms);
	}
}

/* --- series --------------------------------------------------------------------------------- */

static int64_t *gauge(struct metrics *m, const char *name, const char *help)
{
	return metrics_gauge(m, &(struct metric){ .name = name, .help = help });
}

static int64_t *counter(struct metrics *m, const char *name, const char *help)
{
	return metrics_counter(m, &(struct metric){ .name = name, .help = help });
}

static int64_t *planned(struct metrics *m, const char *kind)
{
	return metrics_counter(m,
			       &(struct metric){ .name = "belfry_calls_materialized_total",
						 .help = "Calls planned, by the kind of campaign.",
						 .labels = { { "kind", kind } } });
}

static int64_t *orphaned(struct metrics *m, const char *outcome)
{
	return metrics_counter(
		m, &(struct metric){ .name = "belfry_attempts_orphaned_total",
				     .help = "Attempts that nobody could ask a dialer about, by "
					     "what was recorded.",
				     .labels = { { "outcome", outcome } } });
}

static void add_streams(struct measures *ms, struct metrics *m)
{
	static const char digits[] = "0123456789";

	for (int s = 0; s < WIRE_SHARDS; s++) {
		char name[] = { digits[s / 10 % 10], digits[s % 10], '\0' };
		const struct metric_label shard = { "shard", s < 10 ? name + 1 : name };
		ms->entries[s] = metrics_gauge(
			m, &(struct metric){
				   .name = "belfry_due_stream_entries",
				   .help = "Calls in a due stream and in dispatchers' hands.",
				   .labels = { shard } });
		ms->undelivered[s] = metrics_gauge(
			m, &(struct metric){ .name = "belfry_due_stream_undelivered",
					     .help = "Entries that no dispatcher was given.",
					     .labels = { shard } });
		ms->lag[s] = metrics_gauge(
			m, &(struct metric){ .name = "belfry_due_stream_lag_seconds",
					     .help = "How long the oldest of those waits.",
					     .labels = { shard } });
	}
}

static void add_work(struct measures *ms, struct metrics *m)
{
	ms->leader = gauge(m, "belfry_leader", "Whether this scheduler leads.");
	ms->epoch = gauge(m, "belfry_leader_epoch", "The leader's epoch in Postgres.");
	ms->leads = counter(m, "belfry_leader_changes_total",
			    "How often this scheduler took the lead.");
	ms->redis_up = gauge(m, "belfry_redis_up", "Whether Redis is connected.");
	ms->passes = counter(m, "belfry_materializer_passes_total",
			     "How often every campaign was looked at for calls to plan.");
	ms->bulk = planned(m, "bulk");
	ms->recurring = planned(m, "recurring");
	ms->batch =
		metrics_histogram(m,
				  &(struct metric){ .name = "belfry_materialize_batch_seconds",
						    .help = "Batches of a bulk campaign's line." },
				  HISTOGRAM_SHORT);
	ms->fed = counter(m, "belfry_due_fed_total", "Entries that fell due soon and were fed.");
	ms->requeued = counter(m, "belfry_due_requeued_total",
			       "Entries of dead dispatchers that were put back.");
	ms->uncertain = orphaned(m, "uncertain");
	ms->lost = orphaned(m, "answered");
	ms->deliveries = gauge(m, "belfry_deliveries_due",
			       "Webhook deliveries that are due, 10000 for more.");
	ms->oldest =
		gauge(m, "belfry_outbox_oldest_seconds", "How long the oldest of those is due.");
	ms->overdue = gauge(m, "belfry_calls_overdue",
			    "Calls of active campaigns whose instant is more than 10 s ago, of the "
			    "10000 that were due last.");
}

static void add_history(struct measures *ms, struct metrics *m)
{
	ms->spans_made = counter(m, "belfry_history_partitions_made_total",
				 "Partitions of finished work that were made.");
	ms->spans_dropped = counter(m, "belfry_history_partitions_dropped_total",
				    "Partitions of finished work that were dropped.");
	ms->spans_failed = counter(m, "belfry_history_failures_total",
				   "Times that a partition could not be made or dropped.");
	ms->spans_left = gauge(m, "belfry_history_ahead_seconds",
			       "How long the partitions that stand last, from now on.");
	ms->spans = gauge(m, "belfry_history_partitions", "Partitions of finished work.");
	ms->spans_kept = gauge(m, "belfry_history_partitions_kept",
			       "Partitions that are past their time, and needed by what is open.");
}

static bool is_ready(void *arg)
{
	const struct app *app = arg;
	return !loop_is_draining(app->loop) && pg_pool_is_ready(app->pg);
}

struct err measures_open(struct app *app)
{
	struct measures *ms = xcalloc(1, sizeof(*ms));

	ms->app = app;
	app->measures = ms;
	add_work(ms, app->metrics);
	add_streams(ms, app->metrics);
	add_history(ms, app->metrics);
	forget_history(ms);
	zone_table_measure(app->zones, app->metrics);
	metrics_on_collect(app->metrics, collect, ms);
	ms->census = task_new(app, CENSUS_PERIOD_US, on_census, ms);
	return metrics_server_open(
		app->loop,
		&(struct metrics_server_options){ .settings = app->settings.metrics,
						  .service = "scheduler",
						  .metrics = app->metrics,
						  .is_ready = is_ready,
						  .arg = app },
		&app->metrics_server);
}

void measures_close(struct app *app)
{
	if (app->measures == NULL)
		return;
	task_free(app->measures->census);
	free(app->measures);
	app->measures = NULL;
}

void measure_lead(struct measures *ms)
{
	++*ms->leads;
}

void measure_pass(struct measures *ms)
{
	++*ms->passes;
}

void measure_made(struct measures *ms, int64_t calls, usec_t took_us)
{
	*ms->bulk += calls;
	histogram_observe(ms->batch, took_us);
}

void measure_expanded(struct measures *ms, int64_t calls)
{
	*ms->recurring += calls;
}

void measure_fed(struct measures *ms, size_t n)
{
	*ms->fed += (int64_t)n;
}

void measure_requeued(struct measures *ms, int64_t n)
{
	*ms->requeued += n;
}

void measure_orphaned(struct measures *ms, bool is_uncertain)
{
	++*(is_uncertain ? ms->uncertain : ms->lost);
}

void measure_history(struct measures *ms, bool is_made)
{
	++*(is_made ? ms->spans_made : ms->spans_dropped);
}

void measure_history_failed(struct measures *ms)
{
	++*ms->spans_failed;
}

void measure_history_state(struct measures *ms, usec_t left_us, int64_t spans, int64_t kept)
{
	*ms->spans_left = left_us;
	*ms->spans = spans;
	*ms->spans_kept = kept;
}
