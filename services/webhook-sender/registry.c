/* The lease of this incarnation and the list of the living. */
#include "registry.h"

#include <string.h>

#include "app.h"
#include "store_gen.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "sys/random.h"

#define RETRY_US (100 * USEC_PER_MS)

static void beat(void *arg);

void registry_start(struct app *app)
{
	app->registry.beat = timer_new(app->loop, beat, app);
	timer_start(app->registry.beat, 0);
}

void registry_deinit(struct app *app)
{
	timer_free(app->registry.beat);
}

bool registry_is_alive(const struct app *app)
{
	return app->registry.is_entered && clock_mono() < app->registry.mono_lease_until;
}

bool registry_is_ours(const struct app *app, struct uuid endpoint_id)
{
	const struct registry *r = &app->registry;

	return r->n_senders > 0 &&
	       uuid_eq(delivery_sender_of(endpoint_id, r->senders, r->n_senders), r->id);
}

static void read_senders(struct app *app, const struct pg_result *result)
{
	struct registry *r = &app->registry;
	struct uuid before[REGISTRY_SENDERS_MAX];
	size_t n_before = r->n_senders;
	struct sender_live_row row;

	memcpy(before, r->senders, n_before * sizeof(before[0]));
	r->n_senders = 0;
	for (size_t i = 0; i < min_size(pg_result_rows(result), REGISTRY_SENDERS_MAX); i++) {
		get_sender_live(result, i, &row);
		if (!row.is_draining)
			r->senders[r->n_senders++] = row.id;
	}
	if (r->n_senders == n_before &&
	    memcmp(before, r->senders, n_before * sizeof(before[0])) == 0)
		return;
	log_info("senders_changed", LI("n", r->n_senders));
	finder_rebalance(app);
}

/* Others judged this incarnation dead and may have what it held. Requests on their way run to their
 * end; their outcomes count if nobody took them over. */
static void lose(struct app *app)
{
	log_warn("lease_lost", LID("sender", ID_SENDER, app->registry.id));
	app->registry.is_entered = false;
	app->registry.mono_lease_until = 0;
	app->registry.n_senders = 0;
	finder_rebalance(app);
	timer_start(app->registry.beat, 0);
}

static void live_on(struct app *app, const struct pg_result *senders)
{
	struct registry *r = &app->registry;

	r->mono_lease_until = r->mono_asked_at + REGISTRY_LEASE_US;
	if (!r->is_entered) {
		r->is_entered = true;
		if (!loop_is_draining(app->loop))
			process_ready(app->settings.ready_file);
		log_info("ready", LID("sender", ID_SENDER, r->id));
	}
	read_senders(app, senders);
	finder_wake(app);
	claim_soon(app);
	send_soon(app);
	app_look_drained(app);
}

static void on_entered(struct err e, const struct pg_unit *u, void *arg)
{
	struct app *app = arg;

	app->registry.is_asking = false;
	if (is_err(e)) {
		log_warn("register_failed", LERR(e), LS("message", pg_unit_message(u)));
		return;
	}
	live_on(app, pg_unit_result(u, 1));
}

static void on_renewed(struct err e, const struct pg_unit *u, void *arg)
{
	struct app *app = arg;

	app->registry.is_asking = false;
	if (is_err(e)) {
		log_warn("renew_failed", LERR(e), LS("message", pg_unit_message(u)));
		return;
	}
	if (pg_result_rows(pg_unit_result(u, 0)) == 0)
		lose(app);
	else
		live_on(app, pg_unit_result(u, 2));
}

static void enter(struct app *app)
{
	struct registry *r = &app->registry;
	struct pg_unit *u = pg_unit_new();

	r->id = random_id(loop_now(app->loop));
	add_sender_register(u, &(struct sender_register_args){ .sender_id = r->id,
							       .lease_us = REGISTRY_LEASE_US });
	add_sender_live(u);
	r->is_asking = !is_err(pg_submit(app->pg, u, on_entered, app));
}

static void renew(struct app *app)
{
	struct registry *r = &app->registry;
	struct pg_unit *u = pg_unit_new();
	usec_t mono_up_at = pg_pool_mono_connected_at(app->pg);

	add_sender_renew(u,
			 &(struct sender_renew_args){ .sender_id = r->id,
						      .lease_us = REGISTRY_LEASE_US,
						      .is_draining = loop_is_draining(app->loop) });
	add_sender_reap(u, &(struct sender_reap_args){ .may_judge = mono_up_at > 0 &&
								    r->mono_asked_at - mono_up_at >=
									    REGISTRY_LEASE_US });
	add_sender_live(u);
	r->is_asking = !is_err(pg_submit(app->pg, u, on_renewed, app));
}

static void beat(void *arg)
{
	struct app *app = arg;
	struct registry *r = &app->registry;

	timer_start(r->beat, r->is_entered ? REGISTRY_BEAT_US : RETRY_US);
	if (r->is_asking || !pg_pool_is_ready(app->pg))
		return;
	/* The lease is counted from before the question was sent. */
	r->mono_asked_at = clock_mono();
	if (r->is_entered)
		renew(app);
	else if (!loop_is_draining(app->loop))
		enter(app);
}

void registry_tell_draining(struct app *app)
{
	app->registry.n_senders = 0;
	timer_start(app->registry.beat, 0);
}

static void on_left(struct err e, const struct pg_unit *u, void *arg)
{
	struct app *app = arg;

	(void)u;
	if (is_err(e))
		log_warn("leave_failed", LERR(e));
	loop_stop(app->loop);
}

void registry_leave(struct app *app)
{
	struct registry *r = &app->registry;
	struct pg_unit *u;

	if (r->is_left)
		return;
	r->is_left = true;
	timer_stop(r->beat);
	if (!r->is_entered || !pg_pool_is_ready(app->pg)) {
		loop_stop(app->loop);
		return;
	}
	u = pg_unit_new();
	add_sender_leave(u, &(struct sender_leave_args){ .sender_id = r->id });
	if (is_err(pg_submit(app->pg, u, on_left, app)))
		loop_stop(app->loop);
}
