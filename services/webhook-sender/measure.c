/* Outcomes are counted by the recorder; they and the gauges are read when somebody asks. */
#include "measure.h"

#include <stdlib.h>

#include "app.h"
#include "base/mem.h"

struct measures {
	int64_t *delivered, *failed, *dead, *given_back;
	int64_t *in_hand, *in_flight, *endpoints;
	struct histogram *lag, *request;
};

static void collect(void *arg)
{
	const struct app *app = arg;
	const struct measures *ms = app->measures;

	*ms->delivered = app->record.n_delivered;
	*ms->failed = app->record.n_failed;
	*ms->dead = app->record.n_dead;
	*ms->given_back = app->record.n_given_back;
	*ms->in_hand = (int64_t)map_count(&app->endpoints.items);
	*ms->in_flight = (int64_t)http_client_in_flight(app->http);
	*ms->endpoints = (int64_t)map_count(&app->endpoints.by_id);
}

static bool is_ready(void *arg)
{
	struct app *app = arg;
	return !loop_is_draining(app->loop) && registry_is_alive(app);
}

static int64_t *result(struct metrics *m, const char *word)
{
	return metrics_counter(m,
			       &(struct metric){ .name = "belfry_deliveries_total",
						 .help = "Attempts at deliveries, by their result.",
						 .labels = { { "result", word } } });
}

struct err measures_open(struct app *app)
{
	struct measures *ms = xcalloc(1, sizeof(*ms));
	struct metrics *m = app->metrics;

	app->measures = ms;
	ms->delivered = result(m, "delivered");
	ms->failed = result(m, "failed");
	ms->dead = result(m, "dead_letter");
	ms->given_back = result(m, "given_back");
	ms->in_hand = metrics_gauge(m, &(struct metric){ .name = "belfry_deliveries_in_hand",
							 .help = "Claimed and not yet recorded." });
	ms->in_flight = metrics_gauge(m, &(struct metric){ .name = "belfry_deliveries_in_flight",
							   .help = "Requests on the wire." });
	ms->endpoints = metrics_gauge(m, &(struct metric){ .name = "belfry_endpoints_owned",
							   .help = "Endpoints that are this "
								   "sender's." });
	ms->lag = metrics_histogram(
		m,
		&(struct metric){ .name = "belfry_outbox_lag_seconds",
				  .help = "From a delivery's due moment to its request." },
		HISTOGRAM_LONG);
	ms->request = metrics_histogram(
		m,
		&(struct metric){ .name = "belfry_delivery_request_seconds",
				  .help = "Requests to receivers, until their verdict." },
		HISTOGRAM_SHORT);
	metrics_on_collect(m, collect, app);
	return metrics_server_open(
		app->loop,
		&(struct metrics_server_options){ .settings = app->settings.metrics,
						  .service = "webhook-sender",
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

void measure_send(struct app *app, const struct item *it)
{
	if (app->measures == NULL)
		return; /* the service is closing */
	usec_t pg_now = loop_now(app->loop) + pg_pool_clock_correction(app->pg);

	histogram_observe(app->measures->lag, pg_now - it->due_at);
}

void measure_request(struct app *app, usec_t took_us)
{
	if (app->measures != NULL)
		histogram_observe(app->measures->request, took_us);
}
