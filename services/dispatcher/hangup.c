/* One look at a time; what asks for another meanwhile gets it right after. A dispatcher that holds no
 * attempt does not look. */
#include "hangup.h"

#include "attempt.h"
#include "base/mem.h"
#include "store_gen.h"
#include "sys/log.h"

#define PERIOD_US USEC_PER_SEC
#define MOST 500

struct hangups {
	struct app *app;
	struct timer *timer;
	bool is_looking, looks_again;
};

static void look(void *arg);

struct hangups *hangups_new(struct app *app)
{
	struct hangups *hs = xcalloc(1, sizeof(*hs));
	hs->app = app;
	hs->timer = timer_new(app->loop, look, hs);
	timer_start(hs->timer, PERIOD_US);
	return hs;
}

void hangups_free(struct hangups *hs)
{
	if (hs == NULL)
		return;
	timer_free(hs->timer);
	free(hs);
}

static void on_found(struct err e, const struct pg_unit *u, void *arg)
{
	struct hangups *hs = arg;

	hs->is_looking = false;
	if (is_err(e)) {
		log_warn("hangups_failed", LERR(e), LS("message", pg_unit_message(u)));
	} else {
		const struct pg_result *r = pg_unit_result(u, 0);
		for (size_t i = 0; i < pg_result_rows(r); i++) {
			struct hangup_due_row row;
			get_hangup_due(r, i, &row);
			attempt_hang_up(hs->app->attempts, row.attempt_id);
		}
	}
	bool again = hs->looks_again && !is_err(e) && !hs->app->is_closing;
	hs->looks_again = false;
	if (again)
		look(hs);
}

static void look(void *arg)
{
	struct hangups *hs = arg;
	struct app *app = hs->app;

	timer_start(hs->timer, PERIOD_US);
	if (hs->is_looking || attempts_count(app->attempts) == 0)
		return;
	struct pg_unit *u = pg_unit_new();
	add_hangup_due(
		u, &(struct hangup_due_args){ .dispatcher_id = app->incarnation, .most = MOST });
	hs->is_looking = !is_err(pg_submit(app->record_pg, u, on_found, hs));
}

void hangups_look(struct hangups *hs)
{
	if (hs->is_looking)
		hs->looks_again = true;
	else
		look(hs);
}
