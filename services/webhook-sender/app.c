/* Sets the service up, takes it down, drains it. */
#include "app.h"

#include <stdlib.h>

#include "base/mem.h"
#include "measure.h"
#include "store_gen.h"
#include "sys/process.h"

#define PG_CONNECTIONS 4
#define PG_DEPTH 2
#define PG_WAITING_MAX 64
#define PG_TIMEOUT_US (10 * USEC_PER_SEC)
#define MAX_HEADERS ((size_t)32 * 1024)
#define MAX_BODY ((size_t)16 * 1024)

static const struct pg_stmt *const stmts[] = {
	&stmt_sender_adopt,
	&stmt_sender_bury,
	&stmt_sender_claim,
	&stmt_sender_disable,
	&stmt_sender_discover,
	&stmt_sender_endpoints,
	&stmt_sender_finish,
	&stmt_sender_give_back,
	&stmt_sender_leave,
	&stmt_sender_live,
	&stmt_sender_owed,
	&stmt_sender_owed_bury,
	&stmt_sender_owed_close,
	&stmt_sender_owed_discover,
	&stmt_sender_owed_finish,
	&stmt_sender_owed_retry,
	&stmt_sender_reap,
	&stmt_sender_register,
	&stmt_sender_release,
	&stmt_sender_renew,
	&stmt_sender_retry,
	&stmt_sender_touch,
	NULL,
};

static void on_wake(void *arg)
{
	finder_wake(arg);
	refresh_wake(arg);
}

void app_look_drained(struct app *app)
{
	if (!loop_is_draining(app->loop) || map_count(&app->endpoints.by_id) > 0 ||
	    app->record.units > 0 || app->claim.units > 0)
		return;
	registry_leave(app);
}

static void on_drain(void *arg)
{
	struct app *app = arg;

	process_not_ready(app->settings.ready_file);
	log_info("draining", LI("in_flight", http_client_in_flight(app->http)),
		 LI("in_hand", map_count(&app->endpoints.items)));
	registry_tell_draining(app);
	finder_rebalance(app);
	app_look_drained(app);
}

/* What the environment decides and may have decided wrongly. */
static struct err open_settings(struct app *app)
{
	TRY(secretbox_new(str_from(app->settings.secret_keys), &app->box));
	return address_policy_new(str_from(app->settings.allow_cidrs), &app->policy);
}

static void open_postgres(struct app *app)
{
	app->pg =
		pg_pool_new(app->loop, &(struct pg_options){ .conninfo = app->settings.database_url,
							     .application = "belfry webhook-sender",
							     .connections = PG_CONNECTIONS,
							     .depth = PG_DEPTH,
							     .max_waiting = PG_WAITING_MAX,
							     .unit_timeout_us = PG_TIMEOUT_US,
							     .prepare = app->settings.pg_prepare,
							     .metrics = app->metrics,
							     .pool = "deliveries",
							     .stmts = stmts });
}

static void open_http(struct app *app)
{
	const char *ca_file = app->settings.ca_file;

	app->http = http_client_new(
		app->loop,
		&(struct http_client_options){ .max_in_flight = APP_IN_FLIGHT_MAX,
					       .policy = app->policy,
					       .connect_timeout_us = APP_CONNECT_TIMEOUT_US,
					       .total_timeout_us = APP_TOTAL_TIMEOUT_US,
					       .max_headers = MAX_HEADERS,
					       .max_body = MAX_BODY,
					       .keep_body = SEND_EXCERPT_MAX,
					       .ca_file = ca_file[0] != '\0' ? ca_file : NULL });
}

static struct err app_open(struct app *app)
{
	app->loop = loop_new();
	app->metrics = metrics_new();
	endpoints_init(&app->endpoints);
	send_init(&app->send);
	TRY(open_settings(app));
	open_postgres(app);
	open_http(app);
	record_init(app);
	TRY(control_reader_open(app->loop,
				&(struct control_reader_options){ .url = app->settings.redis_url,
								  .on_wake = on_wake,
								  .arg = app },
				&app->control));
	registry_start(app);
	finder_start(app);
	refresh_start(app);
	TRY(measures_open(app));
	loop_on_drain(app->loop, APP_DRAIN_TIMEOUT_US, on_drain, app);
	return OK;
}

static void app_close(struct app *app)
{
	app->is_closed = true;
	measures_close(app);
	if (app->control != NULL)
		control_reader_close(app->control);
	if (app->http != NULL)
		http_client_free(app->http);
	if (app->pg != NULL)
		pg_pool_free(app->pg);
	finder_deinit(app);
	refresh_deinit(app);
	registry_deinit(app);
	record_deinit(app);
	endpoints_deinit(app);
	address_policy_free(app->policy);
	secretbox_free(app->box);
	loop_free(app->loop);
	metrics_free(app->metrics);
}

int app_run(const struct sender_settings *settings)
{
	struct app *app = xcalloc(1, sizeof(*app));
	struct err e;
	int status = 1;

	app->settings = *settings;
	e = app_open(app);
	if (is_err(e)) {
		log_error("start_failed", LERR(e));
	} else {
		status = loop_run(app->loop);
		log_info("stopped", LI("delivered", app->record.n_delivered),
			 LI("failed", app->record.n_failed), LI("dead", app->record.n_dead),
			 LI("given_back", app->record.n_given_back));
	}
	app_close(app);
	free(app);
	return status;
}
