/* Puts the dispatcher together, in the order of its data, and takes it down in the other. */
#include "app.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attempt.h"
#include "claim.h"
#include "credit.h"
#include "hangup.h"
#include "intake.h"
#include "lane.h"
#include "lease.h"
#include "link.h"
#include "measure.h"
#include "record.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/process.h"
#include "sys/random.h"
#include "trunk_report.h"
#include "trunks.h"
#include "unmade.h"
#include "windows.h"

#define PG_UNIT_TIMEOUT_US (10 * USEC_PER_SEC)
#define PG_WAITING_MAX 64
#define REDIS_TIMEOUT_US (2 * USEC_PER_SEC)
#define REDIS_PENDING_MAX 20000
#define READ_BATCH 500
#define DRAIN_POLL_US (20 * USEC_PER_MS)

usec_t app_clock_correction(const struct app *app)
{
	return app->claim_pg != NULL ? pg_pool_clock_correction(app->claim_pg) : 0;
}

usec_t app_now(const struct app *app)
{
	return loop_now(app->loop) + app_clock_correction(app);
}

static void on_entry(const struct due_entry *e, const struct due_ticket *t, void *arg)
{
	struct app *app = arg;
	intake_take(app->intake, e, t);
}

static size_t on_room(void *arg)
{
	struct app *app = arg;
	return loop_is_draining(app->loop) ? 0 : intake_room(app->intake);
}

static void on_stream_lost(void *arg)
{
	(void)arg; /* what is in hand stays valid; the scheduler feeds the rest again */
	log_warn("due_stream_remade");
}

static void on_control(const struct control_msg *m, void *arg)
{
	struct app *app = arg;

	switch (m->kind) {
	case CONTROL_CAMPAIGN_HELD:
		intake_drop_campaign(app->intake, m->campaign_id);
		break;
	case CONTROL_CALLS_DROPPED:
		intake_drop_call(app->intake, m->call_id);
		break;
	case CONTROL_LIMITS:
		lanes_limit_changed(app->lanes, m);
		break;
	case CONTROL_HANGUP:
		hangups_look(app->hangups);
		break;
	case CONTROL_TRUNK_TEST:
		trunk_reports_look(app->trunk_reports);
		break;
	case CONTROL_CAMPAIGN_CHANGED:
	case CONTROL_KIND_COUNT:
		break;
	}
}

void app_begin(struct app *app)
{
	struct due_reader_options o = { .url = app->settings.redis_url,
					.consumer = app->incarnation_text,
					.batch = READ_BATCH,
					.room = on_room,
					.on_entry = on_entry,
					.on_lost = on_stream_lost,
					.arg = app };
	struct err e = due_reader_open(app->loop, &o, &app->reader);
	if (is_err(e)) {
		log_error("reader_failed", LERR(e));
		loop_drain(app->loop);
		return;
	}
	process_ready(app->settings.ready_file);
	log_info("ready", LI("slot", app->settings.slot));
}

void app_start_over(struct app *app)
{
	log_warn("lease_lost", LS("incarnation", app->incarnation_text),
		 LI("attempts", attempts_count(app->attempts)),
		 LI("calls", intake_count(app->intake)));
	process_start_over(app->argv);
}

static void on_left(void *arg)
{
	struct app *app = arg;
	loop_stop(app->loop);
}

static void on_drain_tick(void *arg)
{
	struct app *app = arg;

	bool has_calls =
		attempts_count(app->attempts) > 0 && loop_mono(app->loop) < app->mono_calls_until;
	if (has_calls || !claims_are_idle(app->claims) || !records_are_idle(app->records)) {
		timer_start(app->drain_timer, DRAIN_POLL_US);
		return;
	}
	/* Conversations go on without us: with the lease ended here, another dispatcher, or the
	 * next incarnation of this slot, adopts them. The entries we hold are put back. */
	log_info("leaving", LI("attempts", attempts_count(app->attempts)),
		 LI("calls", intake_count(app->intake)));
	lease_leave(app->lease, on_left, app);
}

static void on_drain(void *arg)
{
	struct app *app = arg;

	process_not_ready(app->settings.ready_file);
	if (app->reader != NULL)
		due_reader_close(app->reader);
	app->reader = NULL;
	app->mono_calls_until = loop_mono(app->loop) + app->settings.drain_calls_us;
	/* Nothing that waits is begun any more: the lanes' calls stay unacknowledged. */
	lanes_close(app->lanes);
	timer_start(app->drain_timer, DRAIN_POLL_US);
}

static struct pg_pool *open_pg(struct app *app, const char *name, const char *pool)
{
	return pg_pool_new(app->loop, &(struct pg_options){ .conninfo = app->settings.database_url,
							    .application = name,
							    .connections = 1,
							    .depth = 2,
							    .max_waiting = PG_WAITING_MAX,
							    .unit_timeout_us = PG_UNIT_TIMEOUT_US,
							    .prepare = app->settings.prepare,
							    .plans_once = true,
							    .metrics = app->metrics,
							    .pool = pool,
							    .stmts = dispatcher_stmts });
}

static bool is_ready(void *arg)
{
	const struct app *app = arg;
	return app->reader != NULL && pg_pool_is_ready(app->claim_pg);
}

static struct err open_metrics(struct app *app)
{
	app->measures = measures_new(app);
	return metrics_server_open(
		app->loop,
		&(struct metrics_server_options){ .settings = app->settings.metrics,
						  .service = "dispatcher",
						  .metrics = app->metrics,
						  .is_ready = is_ready,
						  .arg = app },
		&app->metrics_server);
}

static struct err app_open(struct app *app)
{
	app->metrics = metrics_new();
	app->claim_pg = open_pg(app, "belfry dispatcher claim", "claim");
	app->record_pg = open_pg(app, "belfry dispatcher record", "record");
	TRY(redis_open(app->loop,
		       &(struct redis_options){ .url = app->settings.redis_url,
						.timeout_us = REDIS_TIMEOUT_US,
						.max_pending = REDIS_PENDING_MAX,
						.name = "dispatcher" },
		       &app->redis));
	TRY(control_reader_open(app->loop,
				&(struct control_reader_options){ .url = app->settings.redis_url,
								  .on_message = on_control,
								  .arg = app },
				&app->control));
	app->intake = intake_new(app);
	app->lanes = lanes_new(app);
	TRY(windows_open(app, &app->windows));
	app->unmade = unmade_new(app);
	app->credit = credit_new(app);
	app->claims = claims_new(app);
	app->attempts = attempts_new(app);
	app->records = records_new(app);
	app->hangups = hangups_new(app);
	TRY(trunks_open(app, &app->trunks));
	app->trunk_reports = trunk_reports_new(app);
	TRY(links_open(app, &app->links));
	TRY(open_metrics(app));
	app->lease = lease_new(app);
	app->drain_timer = timer_new(app->loop, on_drain_tick, app);
	loop_on_drain(app->loop, app->settings.drain_us + app->settings.drain_calls_us, on_drain,
		      app);
	return OK;
}

static void app_close(struct app *app)
{
	app->is_closing = true;
	metrics_server_close(app->metrics_server);
	due_reader_close(app->reader);
	control_reader_close(app->control);
	pg_pool_free(app->record_pg);
	pg_pool_free(app->claim_pg); /* last: app_now() asks it */
	redis_close(app->redis);
	loop_settle(app->loop);
	links_close(app->links);
	trunk_reports_free(app->trunk_reports);
	trunks_close(app->trunks);
	lease_free(app->lease);
	hangups_free(app->hangups);
	records_free(app->records);
	attempts_free(app->attempts);
	claims_free(app->claims);
	credit_free(app->credit);
	unmade_free(app->unmade);
	windows_close(app->windows);
	lanes_free(app->lanes);
	intake_free(app->intake);
	timer_free(app->drain_timer);
	measures_free(app->measures);
}

int app_run(int argc, char **argv)
{
	struct app app = { .argv = argv };
	int code = 0;

	process_take_name(argv[0]);
	if (settings_command(argc, argv, dispatcher_settings_table, &app.settings, &code))
		return code;
	if (is_err(settings_load(dispatcher_settings_table.v, dispatcher_settings_table.n,
				 &app.settings)))
		return 2;
	if (!log_setup_by_word(app.settings.log_level,
			       (struct log_options){ .service = "dispatcher",
						     .full_numbers = app.settings.full_numbers }))
		return 2;
	if (app.settings.host[0] != '\0')
		(void)snprintf(app.host, sizeof(app.host), "%s", app.settings.host);
	else if (gethostname(app.host, sizeof(app.host) - 1) != 0)
		(void)snprintf(app.host, sizeof(app.host), "localhost");
	app.incarnation = random_id(clock_now());
	(void)id_format(ID_DISPATCHER, app.incarnation, app.incarnation_text);
	app.loop = loop_new();
	struct err e = app_open(&app);
	if (is_err(e)) {
		log_error("start_failed", LERR(e));
		code = 1;
	} else {
		code = loop_run(app.loop);
	}
	app_close(&app);
	loop_free(app.loop);
	metrics_free(app.metrics);
	return code;
}
