/* Answers by class and by duration; gauges filled in when somebody asks. */
#include "measure.h"

#include <stdlib.h>

#include "base/mem.h"
#include "http/http_server.h"
#include "http/metrics_server.h"
#include "sys/metrics.h"

#define CLASSES 6 /* by the first digit of the status */

struct measures {
	int64_t *answers[CLASSES];
	struct histogram *seconds;
	int64_t *in_flight, *redis_up;
};

static void collect(void *arg)
{
	const struct app *app = arg;

	*app->measures->in_flight = (int64_t)http_server_in_flight(app->http);
	*app->measures->redis_up = redis_is_up(app->redis);
}

static bool is_ready(void *arg)
{
	const struct app *app = arg;
	return app->is_ready && pg_pool_is_ready(app->pg);
}

struct err measures_open(struct app *app)
{
	static const char *const classes[CLASSES] = { NULL, NULL, "2xx", "3xx", "4xx", "5xx" };
	struct measures *ms = xcalloc(1, sizeof(*ms));
	struct metrics *m = app->metrics;

	app->measures = ms;
	for (int i = 2; i < CLASSES; i++)
		ms->answers[i] = metrics_counter(
			m, &(struct metric){ .name = "belfry_http_requests_total",
					     .help = "Answers by the class of their status.",
					     .labels = { { "class", classes[i] } } });
	ms->seconds = metrics_histogram(
		m,
		&(struct metric){ .name = "belfry_http_request_seconds",
				  .help = "From a request's head to its answer." },
		HISTOGRAM_SHORT);
	ms->in_flight = metrics_gauge(m, &(struct metric){ .name = "belfry_http_in_flight",
							   .help = "Requests not yet answered." });
	ms->redis_up = metrics_gauge(m, &(struct metric){ .name = "belfry_redis_up",
							  .help = "Whether Redis is connected." });
	zone_table_measure(app->zones, m);
	metrics_on_collect(m, collect, app);
	return metrics_server_open(
		app->loop,
		&(struct metrics_server_options){ .settings = app->settings.metrics,
						  .service = "api-gateway",
						  .metrics = m,
						  .is_ready = is_ready,
						  .arg = app },
		&app->metrics_server);
}

void measures_close(struct app *app)
{
	metrics_server_close(app->metrics_server);
	free(app->measures);
	app->measures = NULL;
}

void measure_answer(struct app *app, int status, usec_t took_us)
{
	struct measures *ms = app->measures;
	int class = status / 100;

	if (ms == NULL || class < 2 || class >= CLASSES)
		return;
	++*ms->answers[class];
	histogram_observe(ms->seconds, took_us);
}
