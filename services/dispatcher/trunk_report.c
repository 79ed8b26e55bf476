/* States are kept by trunk until they are written, the last one of each; an answer to a test is written
 * once, since whoever waits for it does not wait long. */
#include "trunk_report.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "link.h"
#include "store_gen.h"
#include "sys/log.h"
#include "trunks.h"

#define PERIOD_US USEC_PER_SEC
#define MOST 50
#define STATES_MAX 10000 /* as many as a dialer takes trunks */
#define STATES_AT_ONCE 100

struct report {
	struct uuid trunk;
	struct list_node node; /* in `due`, or in `written` while it is on its way */
	bool is_on_its_way, is_overtaken;
	enum dialer_trunk_state state;
	usec_t until, at;
};

struct trunk_reports {
	struct app *app;
	struct timer *timer;
	struct map by_trunk; /* of struct report */
	struct list due, written;
	bool is_writing;
	bool is_looking, looks_again;
};

/* --- tests ----------------------------------------------------------------------------------- */

static void look(struct trunk_reports *tr);

static void relay(struct trunk_reports *tr, const struct trunk_test_take_row *row)
{
	struct link *l = links_find(tr->app->links, row->dialer);
	struct err e = link_wants_trunks(l)
			       ? trunks_tell_one(tr->app->trunks, l,
						 &(struct trunk_sealed){ .id = row->trunk_id,
									 .settings = row->settings,
									 .secret = row->secret })
			       : OK;

	if (!is_err(e) && !link_test(l, row->id, row->trunk_id))
		e = ERR(ERR_OVERLOADED, "the dialer's socket has no room");
	if (is_err(e)) /* whoever waits is told that nobody answered */
		log_warn("trunk_test_not_relayed", LID("trunk", ID_TRUNK, row->trunk_id), LERR(e));
}

static void on_taken(struct err e, const struct pg_unit *u, void *arg)
{
	struct trunk_reports *tr = arg;

	tr->is_looking = false;
	if (is_err(e)) {
		if (e.code != ERR_CANCELLED)
			log_warn("trunk_tests_failed", LERR(e), LS("message", pg_unit_message(u)));
		return;
	}
	const struct pg_result *r = pg_unit_result(u, 0);
	for (size_t i = 0; i < pg_result_rows(r); i++) {
		struct trunk_test_take_row row;
		get_trunk_test_take(r, i, &row);
		relay(tr, &row);
	}
	bool again = tr->looks_again;
	tr->looks_again = false;
	if (again)
		look(tr);
}

static void look(struct trunk_reports *tr)
{
	struct app *app = tr->app;
	struct str names[LINKS_MAX];
	size_t n = links_with(app->links, DIALER_CAP_TEST, names);

	if (tr->is_looking) {
		tr->looks_again = true;
		return;
	}
	if (n == 0 || app->is_closing)
		return;
	struct pg_unit *u = pg_unit_new();
	add_trunk_test_take(
		u, &(struct trunk_test_take_args){ .dialers = { names, n }, .most = MOST });
	tr->is_looking = !is_err(pg_submit(app->record_pg, u, on_taken, tr));
}

void trunk_reports_look(struct trunk_reports *tr)
{
	look(tr);
}

static void on_answered(struct err e, const struct pg_unit *u, void *arg)
{
	(void)arg; /* nothing waits here */
	if (is_err(e) && e.code != ERR_CANCELLED)
		log_warn("trunk_test_not_recorded", LERR(e), LS("message", pg_unit_message(u)));
}

void trunk_reports_tested(struct trunk_reports *tr, const struct dialer_event *ev)
{
	const struct dialer_ev_tested *t = &ev->tested;
	struct dialer_event state = { .kind = DIALER_EV_TRUNK,
				      .id = t->trunk,
				      .t_us = ev->t_us,
				      .trunk = { .state = t->state, .until = t->until } };
	struct pg_unit *u = pg_unit_new();

	add_trunk_test_answer(u, &(struct trunk_test_answer_args){
					 .id = ev->id,
					 .is_ok = t->is_ok,
					 .sip = ev->sip != 0 ? ev->sip : PG_NULL_I64,
					 .reason = t->reason,
					 .latency_ms = t->latency_us / USEC_PER_MS,
					 .state = str_from(dialer_trunk_state_name(t->state)) });
	struct err e = pg_submit(tr->app->record_pg, u, on_answered, tr);
	if (is_err(e))
		log_warn("trunk_test_not_recorded", LERR(e));
	trunk_reports_state(tr, &state);
}

/* --- states ---------------------------------------------------------------------------------- */

static void on_written(struct err e, const struct pg_unit *u, void *arg)
{
	struct trunk_reports *tr = arg;
	struct list_node *n;

	tr->is_writing = false;
	if (is_err(e) && e.code != ERR_CANCELLED)
		log_warn("trunk_states_failed", LERR(e), LS("message", pg_unit_message(u)));
	while ((n = list_pop_front(&tr->written)) != NULL) {
		struct report *p = CONTAINER_OF(n, struct report, node);
		bool is_again = is_err(e) || p->is_overtaken;
		p->is_on_its_way = p->is_overtaken = false;
		if (is_again) {
			list_push_back(&tr->due, n);
			continue;
		}
		(void)map_remove(&tr->by_trunk, p->trunk); /* it is there */
		free(p);
	}
	if (!is_err(e) && !list_is_empty(&tr->due))
		timer_start(tr->timer, 0);
}

static void write_states(struct trunk_reports *tr)
{
	struct pg_unit *u;
	struct list_node *n;

	if (tr->is_writing || list_is_empty(&tr->due))
		return;
	u = pg_unit_new();
	for (size_t i = 0; i < STATES_AT_ONCE && (n = list_pop_front(&tr->due)) != NULL; i++) {
		struct report *p = CONTAINER_OF(n, struct report, node);
		p->is_on_its_way = true;
		list_push_back(&tr->written, n);
		add_trunk_state_set(u, &(struct trunk_state_set_args){
					       .trunk_id = p->trunk,
					       .state = str_from(dialer_trunk_state_name(p->state)),
					       .until = p->until != 0 ? p->until : USEC_NEVER,
					       .told_at = p->at });
	}
	tr->is_writing = !is_err(pg_submit(tr->app->record_pg, u, on_written, tr));
	while (!tr->is_writing && (n = list_pop_front(&tr->written)) != NULL) {
		CONTAINER_OF(n, struct report, node)->is_on_its_way = false;
		list_push_back(&tr->due, n);
	}
}

void trunk_reports_state(struct trunk_reports *tr, const struct dialer_event *ev)
{
	struct report *p = map_get(&tr->by_trunk, ev->id);

	if (!p && map_count(&tr->by_trunk) >= STATES_MAX) {
		log_warn("trunk_state_dropped", LID("trunk", ID_TRUNK, ev->id));
		return;
	}
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->trunk = ev->id;
		map_set(&tr->by_trunk, ev->id, p);
		list_push_back(&tr->due, &p->node);
	}
	p->is_overtaken = p->is_on_its_way; /* it is written once more */
	p->state = ev->trunk.state;
	p->until = ev->trunk.until;
	p->at = ev->t_us != 0 ? ev->t_us : app_now(tr->app);
	timer_start(tr->timer, 0);
}

/* --- life ------------------------------------------------------------------------------------ */

static void on_timer(void *arg)
{
	struct trunk_reports *tr = arg;

	timer_start(tr->timer, PERIOD_US);
	if (tr->app->is_closing)
		return;
	write_states(tr);
	look(tr);
}

struct trunk_reports *trunk_reports_new(struct app *app)
{
	struct trunk_reports *tr = xcalloc(1, sizeof(*tr));

	tr->app = app;
	map_init(&tr->by_trunk);
	list_init(&tr->due);
	list_init(&tr->written);
	tr->timer = timer_new(app->loop, on_timer, tr);
	timer_start(tr->timer, PERIOD_US);
	return tr;
}

void trunk_reports_free(struct trunk_reports *tr)
{
	struct report *p;

	if (tr == NULL)
		return;
	for (size_t it = 0; (p = map_next(&tr->by_trunk, &it)) != NULL;)
		free(p);
	map_deinit(&tr->by_trunk);
	timer_free(tr->timer);
	free(tr);
}
