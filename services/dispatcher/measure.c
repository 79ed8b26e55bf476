/* The series, registered once. */
#include "measure.h"

#include <stdlib.h>

#include "attempt.h"
#include "base/mem.h"
#include "intake.h"
#include "link.h"
#include "queue/bucket.h"
#include "redis/redis.h"
#include "store_gen.h"
#include "sys/metrics.h"

static const char *const verdicts[] = { "claimed",   "gone",       "held",    "busy",   "no_dialer",
					"no_credit", "suppressed", "expired", "window", "other" };
#define VERDICTS ARRAY_LEN(verdicts)

struct measures {
	struct app *app;
	int64_t *claims[VERDICTS];
	int64_t *dials, *adopted;
	int64_t *attempts[OUTCOME_COUNT], *calls[OUTCOME_COUNT];
	struct histogram *waits[BUCKET_KIND_COUNT];
	struct histogram *lateness, *ring, *talk, *record, *life;
	int64_t *in_hand, *open, *redis_up;
	int64_t *dialer_up[LINKS_MAX];
};

static void collect(void *arg)
{
	const struct measures *ms = arg;
	const struct app *app = ms->app;

	*ms->in_hand = (int64_t)intake_count(app->intake);
	*ms->open = (int64_t)attempts_count(app->attempts);
	*ms->redis_up = redis_is_up(app->redis);
	for (size_t i = 0; i < links_count(app->links); i++)
		*ms->dialer_up[i] = link_is_up(links_at(app->links, i));
}

static struct histogram *span(struct metrics *m, const char *name, const char *help,
			      enum histogram_range range)
{
	return metrics_histogram(m, &(struct metric){ .name = name, .help = help }, range);
}

static void add_spans(struct measures *ms, struct metrics *m)
{
	ms->lateness = span(m, "belfry_dial_lateness_seconds", "From a call's instant to the dial.",
			    HISTOGRAM_SHORT);
	ms->ring =
		span(m, "belfry_call_ring_seconds", "From the dial to the answer.", HISTOGRAM_LONG);
	ms->talk =
		span(m, "belfry_call_talk_seconds", "From the answer to the end.", HISTOGRAM_LONG);
	ms->record =
		span(m, "belfry_call_record_seconds",
		     "From the end of an attempt to the commit that records it.", HISTOGRAM_SHORT);
	ms->life = span(m, "belfry_call_life_seconds",
			"From an attempt's instant to the commit that records its end.",
			HISTOGRAM_LONG);
	for (enum bucket_kind i = BUCKET_CAMPAIGN; i < BUCKET_KIND_COUNT; i++)
		ms->waits[i] = metrics_histogram(
			m,
			&(struct metric){ .name = "belfry_bucket_wait_seconds",
					  .help = "Waits for a token, by the bucket that has none.",
					  .labels = { { "bucket", bucket_kind_name(i) } } },
			HISTOGRAM_SHORT);
}

static void add_outcomes(struct measures *ms, struct metrics *m)
{
	for (enum outcome o = OUTCOME_ANSWERED; o < OUTCOME_COUNT; o++) {
		const struct metric_label outcome = { "outcome", outcome_name(o) };
		ms->attempts[o] = metrics_counter(
			m, &(struct metric){ .name = "belfry_attempts_total",
					     .help = "Attempts that ended, by outcome.",
					     .labels = { outcome } });
		ms->calls[o] = metrics_counter(
			m, &(struct metric){ .name = "belfry_calls_total",
					     .help = "Calls that are over, by last outcome.",
					     .labels = { outcome } });
	}
}

static void add_dialers(struct measures *ms, struct metrics *m)
{
	for (size_t i = 0; i < links_count(ms->app->links); i++)
		ms->dialer_up[i] = metrics_gauge(
			m, &(struct metric){
				   .name = "belfry_dialer_up",
				   .help = "Whether the dialer answers.",
				   .labels = { { "dialer",
						 link_name(links_at(ms->app->links, i)) } } });
}

struct measures *measures_new(struct app *app)
{
	struct measures *ms = xcalloc(1, sizeof(*ms));
	struct metrics *m = app->metrics;

	ms->app = app;
	for (size_t i = 0; i < VERDICTS; i++)
		ms->claims[i] = metrics_counter(
			m, &(struct metric){ .name = "belfry_claims_total",
					     .help = "Calls asked for in claims, by the verdict.",
					     .labels = { { "verdict", verdicts[i] } } });
	ms->dials = metrics_counter(m, &(struct metric){ .name = "belfry_dials_total",
							 .help = "Dials given to a dialer." });
	ms->adopted =
		metrics_counter(m, &(struct metric){ .name = "belfry_claims_reaped_total",
						     .help = "Attempts taken over from dispatchers "
							     "that died." });
	add_outcomes(ms, m);
	add_spans(ms, m);
	ms->in_hand = metrics_gauge(m, &(struct metric){ .name = "belfry_calls_in_hand",
							 .help = "Calls held before their dial." });
	ms->open =
		metrics_gauge(m, &(struct metric){ .name = "belfry_attempts_open",
						   .help = "Attempts between claim and record." });
	ms->redis_up = metrics_gauge(m, &(struct metric){ .name = "belfry_redis_up",
							  .help = "Whether Redis is connected." });
	add_dialers(ms, m);
	metrics_on_collect(m, collect, ms);
	return ms;
}

void measures_free(struct measures *ms)
{
	free(ms);
}

void measure_claim(struct measures *ms, struct str verdict)
{
	size_t i = 0;

	while (i < VERDICTS - 1 && !str_eq(verdict, str_from(verdicts[i])))
		i++;
	++*ms->claims[i];
}

void measure_wait(struct measures *ms, const struct bucket_grant *g)
{
	histogram_observe(ms->waits[g->tight], g->wait_us);
}

void measure_dial(struct measures *ms, const struct attempt *a)
{
	++*ms->dials;
	histogram_observe(ms->lateness, a->dialed_at - a->entry.due_at);
}

void measure_end(struct measures *ms, const struct attempt *a, const struct attempt_ended_row *row)
{
	usec_t now = app_now(ms->app);

	if (row->final.n == 0)
		return; /* another's: it is counted there */
	++*ms->attempts[a->outcome];
	if (str_eq(row->final, STR("done")) || str_eq(row->final, STR("failed")))
		++*ms->calls[a->outcome];
	histogram_observe(ms->record, now - a->ended_at);
	if (a->dialed_at != 0 && a->answered_at != 0)
		histogram_observe(ms->ring, a->answered_at - a->dialed_at);
	if (a->answered_at != 0)
		histogram_observe(ms->talk, a->talk_us);
	if (a->entry.due_at != 0)
		histogram_observe(ms->life, now - a->entry.due_at);
}

void measure_unmade(struct measures *ms, enum outcome o)
{
	++*ms->calls[o];
}

void measure_adopted(struct measures *ms, size_t n)
{
	*ms->adopted += (int64_t)n;
}
