/* Register, then every fifth of the lease: renew, look through what stands under our name, and adopt
 * with the same turn.
 *
 * An attempt of ours that we do not know is held by nobody, and no lease of it will lapse while we
 * live. However it came about (the answer to a claim or to an adoption was lost, or was not ours), it
 * shows when the open attempts under our name are held against our own: a page at a time, all over
 * again every lease. */
#include "lease.h"

#include "attempt.h"
#include "base/mem.h"
#include "link.h"
#include "measure.h"
#include "store_gen.h"
#include "sys/log.h"

#define ADOPT_MAX 500
#define OWN_PAGE 1000
/* Longer than an answer is waited for; then the claim is asked for again, or another batch is. */
#define OWN_AGE_US (10 * USEC_PER_SEC)
#define REGISTER_RETRY_US (300 * USEC_PER_MS)

struct lease {
	struct app *app;
	struct timer *timer;
	bool is_registered;
	bool has_begun;
	bool is_renewing, is_adopting, is_looking;
	usec_t mono_look_at;         /* when to look through our own again */
	struct uuid looked;          /* up to where; nil = from the beginning */
	struct uuid lost[ADOPT_MAX]; /* ours, and not known to us */
	size_t n_lost;
	loop_fn left;
	void *left_arg;
};

static void on_timer(void *arg);

struct lease *lease_new(struct app *app)
{
	struct lease *l = xcalloc(1, sizeof(*l));
	l->app = app;
	l->timer = timer_new(app->loop, on_timer, l);
	timer_start(l->timer, 0);
	return l;
}

void lease_free(struct lease *l)
{
	if (l == NULL)
		return;
	timer_free(l->timer);
	free(l);
}

static void on_registered(struct err e, const struct pg_unit *u, void *arg)
{
	struct lease *l = arg;

	l->is_renewing = false;
	/* 23505: an earlier answer was lost, the row is there. */
	if (is_err(e) && e.code != ERR_CONFLICT) {
		log_warn("register_failed", LERR(e), LS("message", pg_unit_message(u)));
		timer_start(l->timer, REGISTER_RETRY_US);
		return;
	}
	l->is_registered = true;
	log_info("registered", LS("incarnation", l->app->incarnation_text),
		 LI("slot", l->app->settings.slot));
	timer_start(l->timer, 0);
}

static void on_renewed(struct err e, const struct pg_unit *u, void *arg)
{
	struct lease *l = arg;

	l->is_renewing = false;
	if (is_err(e)) {
		log_warn("renew_failed", LERR(e));
		return; /* the timer comes again; past the lease the answer will be "no row" */
	}
	if (pg_result_rows(pg_unit_result(u, 0)) == 0) {
		app_start_over(l->app);
	}
	if (!l->has_begun) {
		l->has_begun = true;
		app_begin(l->app);
	}
}

static void on_adopted(struct err e, const struct pg_unit *u, void *arg)
{
	struct lease *l = arg;

	l->is_adopting = false;
	if (is_err(e)) {
		log_warn("adopt_failed", LERR(e), LS("message", pg_unit_message(u)));
		return;
	}
	const struct pg_result *r = pg_unit_result(u, 0);
	size_t foreign = 0;
	for (size_t i = 0; i < pg_result_rows(r); i++) {
		struct attempt_adopt_row row;
		get_attempt_adopt(r, i, &row);
		foreign += row.is_own ? 0 : 1;
		attempt_adopt(l->app->attempts, &row);
	}
	measure_adopted(l->app->measures, foreign);
	if (foreign > 0)
		log_info("adopted", LI("attempts", foreign));
}

static void on_looked(struct err e, const struct pg_unit *u, void *arg)
{
	struct lease *l = arg;

	l->is_looking = false;
	if (is_err(e)) {
		log_warn("look_failed", LERR(e), LS("message", pg_unit_message(u)));
		return;
	}
	const struct pg_result *r = pg_unit_result(u, 0);
	size_t n = pg_result_rows(r), before = l->n_lost;
	for (size_t i = 0; i < n; i++) {
		struct attempt_own_row row;
		get_attempt_own(r, i, &row);
		l->looked = row.attempt_id;
		if (l->n_lost < ADOPT_MAX && !attempt_is_held(l->app->attempts, row.attempt_id))
			l->lost[l->n_lost++] = row.attempt_id;
	}
	if (l->n_lost > before)
		log_warn("own_attempts_lost", LI("attempts", l->n_lost - before));
	if (n < OWN_PAGE) {
		l->looked = UUID_NIL;
		l->mono_look_at = loop_mono(l->app->loop) + l->app->settings.lease_us;
	}
}

static void look_through_own(struct lease *l)
{
	struct app *app = l->app;

	if (l->is_looking || l->n_lost > 0 || loop_mono(app->loop) < l->mono_look_at)
		return;
	struct pg_unit *u = pg_unit_new();
	add_attempt_own(u, &(struct attempt_own_args){ .dispatcher_id = app->incarnation,
						       .after = l->looked,
						       .claimed_before = app_now(app) - OWN_AGE_US,
						       .most = OWN_PAGE });
	if (!is_err(pg_submit(app->record_pg, u, on_looked, l)))
		l->is_looking = true;
}

static void adopt(struct lease *l)
{
	struct app *app = l->app;
	struct str names[LINKS_MAX], instances[LINKS_MAX];
	size_t n = links_live(app->links, names, instances);

	if (n == 0 || l->is_adopting)
		return;
	struct pg_unit *u = pg_unit_new();
	add_attempt_adopt(u, &(struct attempt_adopt_args){ .dispatcher_id = app->incarnation,
							   .host = str_from(app->host),
							   .slot = app->settings.slot,
							   .dialer_instances = { instances, n },
							   .own_ids = { l->lost, l->n_lost },
							   .most = ADOPT_MAX });
	if (is_err(pg_submit(app->record_pg, u, on_adopted, l)))
		return;
	l->is_adopting = true;
	l->n_lost = 0; /* if this is lost too, they are found again */
}

static void submit_first(struct lease *l)
{
	struct app *app = l->app;
	struct pg_unit *u = pg_unit_new();

	add_dispatcher_register(u, &(struct dispatcher_register_args){
					   .id = app->incarnation,
					   .host = str_from(app->host),
					   .slot = app->settings.slot,
					   .lease_ms = app->settings.lease_us / USEC_PER_MS });
	if (is_err(pg_submit(app->record_pg, u, on_registered, l)))
		timer_start(l->timer, REGISTER_RETRY_US);
	else
		l->is_renewing = true;
}

static void renew(struct lease *l)
{
	struct app *app = l->app;
	struct str names[LINKS_MAX], instances[LINKS_MAX];
	struct pg_unit *u = pg_unit_new();
	size_t n = links_live(app->links, names, instances);
	add_dispatcher_renew(u, &(struct dispatcher_renew_args){
					.id = app->incarnation,
					.lease_ms = app->settings.lease_us / USEC_PER_MS,
					.dialers = { names, n } });
	if (!is_err(pg_submit(app->claim_pg, u, on_renewed, l)))
		l->is_renewing = true;
}

static void on_timer(void *arg)
{
	struct lease *l = arg;
	struct app *app = l->app;

	if (l->left != NULL)
		return;
	if (!l->is_registered) {
		submit_first(l);
		return;
	}
	timer_start(l->timer, app->settings.lease_us / 5);
	if (!l->is_renewing)
		renew(l);
	if (l->has_begun) {
		look_through_own(l);
		adopt(l);
	}
}

static void on_left(struct err e, const struct pg_unit *u, void *arg)
{
	struct lease *l = arg;

	(void)u; /* has no rows */
	if (is_err(e))
		log_warn("leave_failed", LERR(e)); /* the lease runs out by itself */
	l->left(l->left_arg);
}

void lease_leave(struct lease *l, loop_fn done, void *arg)
{
	struct pg_unit *u = pg_unit_new();

	l->left = done;
	l->left_arg = arg;
	timer_stop(l->timer);
	add_dispatcher_leave(u, &(struct dispatcher_leave_args){ .id = l->app->incarnation });
	if (is_err(pg_submit(l->app->record_pg, u, on_left, l)))
		loop_defer(l->app->loop, done, arg);
}
