/* Puts the scheduler together, and what winning and losing the lead mean. */
#include "app.h"

#include "book.h"
#include "expander.h"
#include "feeder.h"
#include "finisher.h"
#include "history.h"
#include "materializer.h"
#include "measure.h"
#include "replanner.h"
#include "retention.h"
#include "store_gen.h"
#include "sweeper.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/metrics.h"
#include "sys/process.h"
#include "sys/random.h"

#define LEADER_NAME "scheduler"
#define PG_CONNECTIONS 3
#define PG_UNIT_TIMEOUT_US (20 * USEC_PER_SEC)
#define PG_WAITING_MAX 1000
#define REDIS_TIMEOUT_US (2 * USEC_PER_SEC)
#define REDIS_PENDING_MAX 10000
#define TAKE_RETRY_US (200 * USEC_PER_MS)
#define EVICT_AFTER_US (1 * USEC_PER_SEC)
#define READY_POLL_US (50 * USEC_PER_MS)

usec_t app_now(const struct app *app)
{
	return loop_now(app->loop) + pg_pool_clock_correction(app->pg);
}

bool app_leads(const struct app *app)
{
	return app->epoch != 0 && leader_lock_is_held(app->lock);
}

static void take(struct app *app);

static void on_taken(struct err e, const struct pg_unit *u, void *arg)
{
	struct app *app = arg;

	app->is_taking = false;
	if (is_err(e) || pg_result_rows(pg_unit_result(u, 0)) == 0) {
		log_warn("epoch_failed", LERR(e), LS("message", pg_unit_message(u)));
		timer_start(app->take_timer, TAKE_RETRY_US);
		return;
	}
	timer_stop(app->take_timer);
	if (!leader_lock_is_held(app->lock))
		return; /* lost again meanwhile: the epoch is just a number that nobody uses */
	struct leader_take_row row;
	get_leader_take(pg_unit_result(u, 0), 0, &row);
	app->epoch = row.epoch;
	log_info("leading", LI("epoch", app->epoch));
	measure_lead(app->measures);
	book_forget_all(app->book);
	feeder_begin_again(app->feeder);
	sweeper_rewind(app->sweeper);
	replanner_begin_again(app->replanner);
	history_look(app->history);
}

static void on_evicted(struct err e, const struct pg_unit *u, void *arg)
{
	(void)u; /* how many were ended does not matter */
	(void)arg;
	log_warn("former_leader_evicted", LERR(e));
}

/* Tries again, or finds that the epoch's row is held by a transaction that does not move. */
static void on_take_timer(void *arg)
{
	struct app *app = arg;

	if (!leader_lock_is_held(app->lock) || app->epoch != 0)
		return;
	if (!app->is_taking) {
		take(app);
		return;
	}
	struct pg_unit *u = pg_unit_new();
	add_leader_evict(u, &(struct leader_evict_args){ .name = STR(LEADER_NAME) });
	struct err e = pg_submit(app->pg, u, on_evicted, app);
	if (is_err(e))
		log_warn("evict_refused", LERR(e)); /* asked again by the same timer */
	timer_start(app->take_timer, EVICT_AFTER_US);
}

static void take(struct app *app)
{
	struct pg_unit *u = pg_unit_new();

	add_leader_take(
		u, &(struct leader_take_args){ .name = STR(LEADER_NAME), .holder = app->holder });
	app->is_taking = !is_err(pg_submit(app->pg, u, on_taken, app));
	timer_start(app->take_timer, app->is_taking ? EVICT_AFTER_US : TAKE_RETRY_US);
}

static void on_won(void *arg)
{
	struct app *app = arg;
	if (!app->is_taking)
		take(app);
}

static void on_lost(void *arg)
{
	struct app *app = arg;

	if (app->epoch != 0)
		log_info("not_leading", LI("epoch", app->epoch));
	app->epoch = 0;
	timer_stop(app->take_timer);
}

static void on_control(const struct control_msg *m, void *arg)
{
	struct app *app = arg;

	if (!app_leads(app))
		return;
	switch (m->kind) {
	case CONTROL_CAMPAIGN_CHANGED:
	case CONTROL_CAMPAIGN_HELD:
		book_look_at(app->book, m->campaign_id);
		expander_look(app->expander);
		finisher_look(app->finisher);
		break;
	case CONTROL_LIMITS:
		book_read_soon(app->book);
		break;
	case CONTROL_CALLS_DROPPED:
	case CONTROL_HANGUP:
	case CONTROL_TRUNK_TEST:
	case CONTROL_KIND_COUNT:
		break;
	}
}

static void on_zones(void *arg)
{
	struct app *app = arg;

	if (zone_table_refresh(app->zones)) {
		log_info("tzdata_changed", LS("version", zone_table_version(app->zones)));
		replanner_zones_changed(app->replanner);
	}
	timer_start(app->zones_timer, app->settings.zoneinfo_refresh_us);
}

static void on_drained(void *arg)
{
	struct app *app = arg;

	if (pg_pool_pending(app->pg) > 0)
		timer_start(app->take_timer, TAKE_RETRY_US / 10);
	else
		loop_stop(app->loop);
}

/* Ready is who could lead: not before Postgres has accepted the statements. */
static void on_ready_poll(void *arg)
{
	struct app *app = arg;

	if (pg_pool_is_ready(app->pg)) {
		process_ready(app->settings.ready_file);
		log_info("ready");
	} else {
		timer_start(app->ready_timer, READY_POLL_US);
	}
}

static void on_drain(void *arg)
{
	struct app *app = arg;

	timer_stop(app->ready_timer);
	process_not_ready(app->settings.ready_file);
	/* The lock goes at once, so that the other leads without waiting for the TTL; what is on
	 * its way to Postgres still stands under our epoch, or is refused there. */
	leader_lock_release(app->lock);
	app->epoch = 0;
	timer_free(app->take_timer);
	app->take_timer = timer_new(app->loop, on_drained, app);
	timer_start(app->take_timer, 0);
}

static struct err app_open(struct app *app)
{
	const struct scheduler_settings *s = &app->settings;

	TRY(fault_parse(str_from(s->fault), &app->fault));
	TRY(zone_table_open(s->zoneinfo, &app->zones));
	app->metrics = metrics_new();
	app->zones_timer = timer_new(app->loop, on_zones, app);
	timer_start(app->zones_timer, s->zoneinfo_refresh_us);
	app->pg =
		pg_pool_new(app->loop, &(struct pg_options){ .conninfo = s->database_url,
							     .application = "belfry scheduler",
							     .connections = PG_CONNECTIONS,
							     .depth = 1,
							     .max_waiting = PG_WAITING_MAX,
							     .unit_timeout_us = PG_UNIT_TIMEOUT_US,
							     .prepare = s->prepare,
							     .metrics = app->metrics,
							     .pool = "work",
							     .stmts = scheduler_stmts });
	TRY(redis_open(app->loop,
		       &(struct redis_options){ .url = s->redis_url,
						.timeout_us = REDIS_TIMEOUT_US,
						.max_pending = REDIS_PENDING_MAX,
						.name = "scheduler" },
		       &app->redis));
	TRY(control_reader_open(app->loop,
				&(struct control_reader_options){
					.url = s->redis_url, .on_message = on_control, .arg = app },
				&app->control));
	app->take_timer = timer_new(app->loop, on_take_timer, app);
	app->lock = leader_lock_new(app->loop, app->redis,
				    &(struct leader_lock_options){ .name = LEADER_NAME,
								   .holder = app->holder,
								   .ttl_us = s->leader_ttl_us,
								   .on_won = on_won,
								   .on_lost = on_lost,
								   .arg = app });
	app->materializer = materializer_new(app);
	app->book = book_new(app);
	app->feeder = feeder_new(app);
	app->sweeper = sweeper_new(app);
	app->finisher = finisher_new(app);
	app->replanner = replanner_new(app);
	app->expander = expander_new(app);
	app->retention = retention_new(app);
	app->history = history_new(app);
	TRY(measures_open(app));
	app->ready_timer = timer_new(app->loop, on_ready_poll, app);
	timer_start(app->ready_timer, 0);
	loop_on_drain(app->loop, s->drain_us, on_drain, app);
	return OK;
}

static void app_close(struct app *app)
{
	metrics_server_close(app->metrics_server);
	control_reader_close(app->control);
	leader_lock_free(app->lock);
	pg_pool_free(app->pg);
	redis_close(app->redis);
	loop_settle(app->loop);
	measures_close(app);
	expander_free(app->expander);
	replanner_free(app->replanner);
	history_free(app->history);
	retention_free(app->retention);
	finisher_free(app->finisher);
	sweeper_free(app->sweeper);
	feeder_free(app->feeder);
	book_free(app->book);
	materializer_free(app->materializer);
	timer_free(app->take_timer);
	timer_free(app->ready_timer);
	timer_free(app->zones_timer);
	zone_table_free(app->zones);
}

int app_run(int argc, char **argv)
{
	struct app app = { .epoch = 0 };
	int code = 0;

	if (settings_command(argc, argv, scheduler_settings_table, &app.settings, &code))
		return code;
	if (is_err(settings_load(scheduler_settings_table.v, scheduler_settings_table.n,
				 &app.settings)))
		return 2;
	if (!log_setup_by_word(app.settings.log_level,
			       (struct log_options){ .service = "scheduler" }))
		return 2;
	app.holder = random_id(clock_now());
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
