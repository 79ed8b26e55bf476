/* Setup in order, the life of the process, and the way out: stop accepting, let the requests in hand
 * be answered, close. */
#include "app.h"

#include <stdlib.h>

#include "base/mem.h"
#include "gather.h"
#include "http/http_server.h"
#include "importer.h"
#include "measure.h"
#include "route.h"
#include "store_gen.h"
#include "sys/log.h"
#include "sys/metrics.h"
#include "sys/process.h"
#include "transfers.h"
#include "watch.h"

#define DRAIN_TIMEOUT_US (20 * USEC_PER_SEC)
#define POLL_US (50 * USEC_PER_MS)
#define PG_DEPTH 1 /* a unit that waits for a lock holds up no other */
#define PG_WAITING_MAX 2000
#define PG_UNIT_TIMEOUT_US (15 * USEC_PER_SEC)
#define BULK_CONNECTIONS 2
#define BULK_WAITING_MAX 200
#define BULK_UNIT_TIMEOUT_US (60 * USEC_PER_SEC)
#define REDIS_TIMEOUT_US (2 * USEC_PER_SEC)
#define REDIS_PENDING_MAX 4096
#define HEADERS_MAX ((size_t)16 * 1024)
#define BODY_MAX ((size_t)8 * 1024 * 1024)
#define CONNECTIONS_MAX 16384
#define CONNECTIONS_PER_ADDRESS_MAX 1024
#define DESCRIPTORS_KEPT 256 /* for the database, Redis, files */

/* The statements of the gateway are those of its own name, and what it shares with the scheduler. */
static const struct pg_stmt **choose_statements(void)
{
	size_t n = 0, all = 0;
	while (store_all_stmts[all] != NULL)
		all++;
	const struct pg_stmt **v = xcalloc(all + 1, sizeof(*v));
	for (size_t i = 0; i < all; i++) {
		struct str name = str_from(store_all_stmts[i]->name);
		if (str_starts(name, STR("api_")) || str_starts(name, STR("campaign_cancel_")))
			v[n++] = store_all_stmts[i];
	}
	return v;
}

static void tell_ready(struct app *app)
{
	app->is_ready = true;
	process_ready(app->settings.ready_file);
	log_info("ready", LI("port", http_server_port(app->http)));
}

/* Until Postgres is there at first; then, in a drain, until the last request is answered. */
static void on_poll(void *arg)
{
	struct app *app = arg;
	if (!loop_is_draining(app->loop)) {
		if (pg_pool_is_ready(app->pg)) {
			tell_ready(app);
			return;
		}
	} else if (http_server_in_flight(app->http) == 0) {
		loop_stop(app->loop);
		return;
	}
	timer_start(app->ready_timer, POLL_US);
}

static void on_drain(void *arg)
{
	struct app *app = arg;
	log_info("draining", LI("in_flight", http_server_in_flight(app->http)));
	process_not_ready(app->settings.ready_file);
	app->is_ready = false;
	watch_hub_drain(app->watches);
	http_server_stop_accepting(app->http);
	timer_start(app->ready_timer, 0);
}

static void on_zones(void *arg)
{
	struct app *app = arg;
	if (zone_table_refresh(app->zones))
		log_info("tzdata_changed", LS("version", zone_table_version(app->zones)));
	timer_start(app->zones_timer, app->settings.zoneinfo_refresh_us);
}

/* As many as there are descriptors for: a client that has connected is never one too many. */
static int connections_max(void)
{
	int descriptors = process_raise_descriptors();
	int most = descriptors > 2 * DESCRIPTORS_KEPT ? descriptors - DESCRIPTORS_KEPT
						      : descriptors / 2;
	if (most >= CONNECTIONS_MAX)
		return CONNECTIONS_MAX;
	log_warn("few_descriptors", LI("descriptors", descriptors), LI("connections", most));
	return most;
}

static struct err open_parts(struct app *app)
{
	const struct gateway_settings *s = &app->settings;
	TRY(secretbox_new(str_from(s->secret_keys), &app->box));
	TRY(address_policy_new(str_from(s->webhook_allow_cidrs), &app->addresses));
	TRY(address_policy_new(str_from(s->trusted_proxies), &app->proxies));
	TRY(zone_table_open(s->zoneinfo, &app->zones));
	app->auth = auth_new(str_from(s->key_pepper));
	app->stmts = choose_statements();
	app->pg =
		pg_pool_new(app->loop, &(struct pg_options){ .conninfo = s->database_url,
							     .application = "api-gateway",
							     .connections = (int)s->pg_connections,
							     .depth = PG_DEPTH,
							     .max_waiting = PG_WAITING_MAX,
							     .unit_timeout_us = PG_UNIT_TIMEOUT_US,
							     .prepare = s->pg_prepare,
							     .metrics = app->metrics,
							     .pool = "api",
							     .stmts = app->stmts });
	app->bulk = pg_pool_new(app->loop,
				&(struct pg_options){ .conninfo = s->database_url,
						      .application = "api-gateway-bulk",
						      .connections = BULK_CONNECTIONS,
						      .depth = PG_DEPTH,
						      .max_waiting = BULK_WAITING_MAX,
						      .unit_timeout_us = BULK_UNIT_TIMEOUT_US,
						      .prepare = s->pg_prepare,
						      .metrics = app->metrics,
						      .pool = "bulk",
						      .stmts = app->stmts });
	list_init(&app->downloads);
	app->importer = importer_new(app);
	app->gather = gather_new(app);
	TRY(redis_open(app->loop,
		       &(struct redis_options){ .url = s->redis_url,
						.timeout_us = REDIS_TIMEOUT_US,
						.max_pending = REDIS_PENDING_MAX,
						.name = "api-gateway" },
		       &app->redis));
	TRY(watch_hub_new(app, &app->watches));
	TRY(http_server_open(
		app->loop,
		&(struct http_server_options){ .bind = s->http_bind,
					       .port = (int)s->http_port,
					       .max_headers = HEADERS_MAX,
					       .max_body = BODY_MAX,
					       .max_connections = connections_max(),
					       .max_per_address = CONNECTIONS_PER_ADDRESS_MAX,
					       .proxies = app->proxies,
					       .header_timeout_us = 10 * USEC_PER_SEC,
					       .body_timeout_us = 30 * USEC_PER_SEC,
					       .idle_timeout_us = 30 * USEC_PER_SEC,
					       .handler = route_request,
					       .problem = route_problem,
					       .stream_max = route_stream_max,
					       .arg = app },
		&app->http));
	return measures_open(app);
}

static void close_parts(struct app *app)
{
	measures_close(app);
	if (app->http != NULL)
		http_server_close(app->http);
	watch_hub_free(app->watches);
	importer_free(app->importer);
	gather_free(app->gather);
	if (app->bulk != NULL)
		downloads_drop(app);
	pg_pool_free(app->bulk);
	pg_pool_free(app->pg);
	if (app->redis != NULL)
		redis_close(app->redis);
	loop_settle(app->loop);
	timer_free(app->ready_timer);
	timer_free(app->zones_timer);
	auth_free(app->auth);
	strbuf_deinit(&app->spare_out);
	zone_table_free(app->zones);
	address_policy_free(app->addresses);
	address_policy_free(app->proxies);
	secretbox_free(app->box);
	free(app->stmts);
	loop_free(app->loop);
	metrics_free(app->metrics);
}

int app_run(const struct gateway_settings *s)
{
	struct app app = { .settings = *s, .loop = loop_new(), .metrics = metrics_new() };
	int code = 1;
	struct err e = open_parts(&app);
	if (is_err(e)) {
		log_error("start_failed", LERR(e));
	} else {
		process_port(s->port_file, http_server_port(app.http));
		app.ready_timer = timer_new(app.loop, on_poll, &app);
		timer_start(app.ready_timer, 0);
		app.zones_timer = timer_new(app.loop, on_zones, &app);
		timer_start(app.zones_timer, s->zoneinfo_refresh_us);
		loop_on_drain(app.loop, DRAIN_TIMEOUT_US, on_drain, &app);
		code = loop_run(app.loop);
		log_info("stopped", LI("code", code));
	}
	close_parts(&app);
	return code;
}
