/* The pool: a bounded waiting list before a fixed number of connections. Units are handed out
 * after the callbacks of a turn, so that pg_submit itself can neither fail on the wire nor call
 * back. All units have the same time, so their order of arrival is that of their deadlines. */
#include "pg/pg_impl.h"

#include <stdlib.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/log.h"

#define CLOCK_EVERY_US (10 * USEC_PER_SEC)
#define CLOCK_KEPT_US (60 * USEC_PER_SEC)
/* Hosts whose clocks agree this well are not corrected: the measurement is noisier than that. */
#define CLOCK_AGREES_US (50 * USEC_PER_MS)

/* --- handing out ---------------------------------------------------------------------------- */

static struct pg_conn *emptiest(struct pg_pool *p)
{
	struct pg_conn *best = NULL;
	size_t room = 0;

	for (int i = 0; i < p->o.connections; i++) {
		if (pg_conn_room(&p->conns[i]) > room) {
			best = &p->conns[i];
			room = pg_conn_room(best);
		}
	}
	return best;
}

static void run_pump(void *arg)
{
	struct pg_pool *p = arg;
	struct list lot;

	p->is_pump_queued = false;
	list_init(&lot);
	while (!p->is_closing && p->waiting.n > 0) {
		struct pg_conn *c = emptiest(p);
		if (c == NULL)
			break;
		pg_share_take(p, &lot);
		pg_conn_send(c, &lot);
	}
}

void pg_pool_pump(struct pg_pool *p)
{
	if (p->is_pump_queued || p->is_closing)
		return;
	p->is_pump_queued = true;
	loop_defer(p->loop, run_pump, p);
}

void pg_pool_note_ready(struct pg_pool *p, int change)
{
	p->n_ready += change;
	if (change > 0 && p->n_ready == 1) {
		p->mono_connected_at = loop_mono(p->loop);
		log_info("pg_connected", LS("application", p->application));
	}
	if (change < 0 && p->n_ready == 0 && !p->is_closing)
		log_warn("pg_disconnected", LI("waiting", p->waiting.n));
	if (change > 0 && !p->is_closing) {
		pg_pool_pump(p);
		if (p->mono_clock_at == 0)
			timer_start(p->clock_timer, 0);
	}
}

/* --- the server's clock --------------------------------------------------------------------- */

static void on_clock_timer(void *arg)
{
	struct pg_pool *p = arg;
	struct pg_conn *c = emptiest(p);

	timer_start(p->clock_timer, CLOCK_EVERY_US);
	if (c != NULL)
		pg_conn_probe(c);
}

void pg_pool_note_clock(struct pg_pool *p, usec_t sent_at, usec_t server_at)
{
	usec_t now = clock_now(), mono = loop_mono(p->loop);
	usec_t error = (now - sent_at) / 2;
	bool is_stale = p->mono_clock_at == 0 || mono - p->mono_clock_at > CLOCK_KEPT_US;

	/* A sample is as good as its round trip was short: one that waited behind a long statement
	 * must not replace a good one. */
	if (error < 0 || (!is_stale && error > 2 * p->clock_error + 500))
		return;
	p->clock_offset = server_at - sent_at - error;
	p->clock_error = error;
	p->mono_clock_at = mono;
	log_debug("pg_clock", LI("offset_us", p->clock_offset), LI("error_us", error));
}

usec_t pg_clock_correction(usec_t offset, usec_t error)
{
	usec_t least = offset - error, most = offset + error;

	return least < CLOCK_AGREES_US && most > -CLOCK_AGREES_US ? 0 : least;
}

usec_t pg_pool_clock_correction(const struct pg_pool *p)
{
	return pg_clock_correction(p->clock_offset, p->clock_error);
}

/* --- deadlines ------------------------------------------------------------------------------ */

static struct pg_unit *oldest(struct pg_pool *p)
{
	struct list_node *node = list_first(&p->by_age);

	return node == NULL ? NULL : CONTAINER_OF(node, struct pg_unit, age);
}

static void on_age_timer(void *arg)
{
	struct pg_pool *p = arg;
	struct pg_unit *u;

	while (!p->is_closing && (u = oldest(p)) != NULL) {
		if (u->mono_deadline > loop_mono(p->loop)) {
			timer_start_at(p->age_timer, u->mono_deadline);
			break;
		}
		/* When this process itself stood still, the answer may lie in the socket. */
		if (!p->was_deadline_seen) {
			p->was_deadline_seen = true;
			timer_start(p->age_timer, 0);
			return;
		}
		if (u->state == PG_UNIT_WAITING) {
			list_remove(&p->waiting, &u->node);
			pg_unit_finish(u, ERR(ERR_TIMEOUT, "no database connection was free"));
		} else {
			/* It keeps its place on the wire: its sync will come, or the stall be
			 * noticed. */
			pg_unit_fire(u, ERR(ERR_TIMEOUT, "the database took too long"));
		}
	}
	p->was_deadline_seen = false;
}

/* --- users ---------------------------------------------------------------------------------- */

static size_t limit_waiting(const struct pg_pool *p)
{
	size_t limit = p->o.max_waiting;

	for (int i = 0; i < p->o.connections; i++)
		limit += pg_conn_room(&p->conns[i]);
	return limit;
}

/* Whether the pool's connections have prepared all of the unit's statements. */
static bool is_prepared(const struct pg_pool *p, const struct pg_unit *u)
{
	for (size_t i = 0; p->o.prepare && i < u->n_calls; i++) {
		const struct pg_stmt *const *s = p->o.stmts;
		while (*s != NULL && *s != u->calls[i].stmt)
			s++;
		if (*s == NULL)
			return false;
	}
	return true;
}

struct err pg_submit(struct pg_pool *p, struct pg_unit *u, pg_done_fn done, void *arg)
{
	struct err e = u->bad;

	ASSERT(u->state == PG_UNIT_BUILDING && u->n_calls > 0 && done != NULL);
	if (p->is_closing)
		e = ERR(ERR_CANCELLED, "the database pool is closing");
	else if (!is_prepared(p, u))
		e = ERR(ERR_INTERNAL, "a statement is not in the list of this pool");
	else if (!is_err(e) && p->waiting.n >= limit_waiting(p))
		e = ERR(ERR_OVERLOADED, "too many units wait for the database");
	if (is_err(e)) {
		pg_unit_free(u);
		return e;
	}
	u->pool = p;
	u->done = done;
	u->arg = arg;
	u->state = PG_UNIT_WAITING;
	u->mono_deadline = loop_mono(p->loop) + p->o.unit_timeout_us;
	list_push_back(&p->waiting, &u->node);
	list_push_back(&p->by_age, &u->age);
	if (!timer_is_armed(p->age_timer))
		timer_start_at(p->age_timer, u->mono_deadline);
	pg_pool_pump(p);
	return OK;
}

void pg_cancel(struct pg_unit *u)
{
	if (u->done == NULL)
		return; /* it has called back, or is just doing it */
	u->done = NULL;
	list_remove(&u->pool->by_age, &u->age);
	if (u->state == PG_UNIT_SENT)
		return; /* stays on the wire until its sync */
	list_remove(u->state == PG_UNIT_WAITING ? &u->pool->waiting : &u->pool->dying, &u->node);
	pg_unit_free(u);
}

bool pg_pool_is_ready(const struct pg_pool *p)
{
	return p->n_ready > 0;
}

usec_t pg_pool_mono_connected_at(const struct pg_pool *p)
{
	return p->mono_connected_at;
}

size_t pg_pool_pending(const struct pg_pool *p)
{
	size_t n = p->waiting.n;

	for (int i = 0; i < p->o.connections; i++)
		n += p->conns[i].sent.n;
	return n;
}

struct pg_pool *pg_pool_new(struct loop *l, const struct pg_options *o)
{
	static const struct pg_stmt *const no_stmts[] = { NULL };
	struct pg_pool *p = xcalloc(1, sizeof(*p));

	ASSERT(o->connections > 0 && o->depth > 0 && o->unit_timeout_us > 0);
	p->loop = l;
	p->o = *o;
	/* Between the answers to two units a pooler takes the session for free. If we are gone at that
	 * moment, killed or started over, it gives the session to somebody else, who reads the answer
	 * to our second unit as its own (PgBouncer until 1.22). With one unit on the wire there is no
	 * such moment: a session that owes an answer is closed. */
	if (!o->prepare)
		p->o.depth = 1;
	if (p->o.stmts == NULL)
		p->o.stmts = no_stmts;
	p->conninfo = xstrdup(o->conninfo);
	p->application = xstrdup(o->application);
	list_init(&p->waiting);
	list_init(&p->by_age);
	list_init(&p->dying);
	p->age_timer = timer_new(l, on_age_timer, p);
	p->clock_timer = timer_new(l, on_clock_timer, p);
	p->conns = xcalloc((size_t)o->connections, sizeof(*p->conns));
	for (int i = 0; i < o->connections; i++)
		pg_conn_init(&p->conns[i], p, i);
	pg_pool_measure(p);
	return p;
}

static void finish_free(void *arg)
{
	struct pg_pool *p = arg;
	struct list_node *node;

	while ((node = list_pop_front(&p->dying)) != NULL)
		pg_unit_finish(pg_unit_of(node),
			       ERR(ERR_CANCELLED, "the database pool was closed"));
	free(p->conns);
	mem_wipe(p->conninfo, str_from(p->conninfo).n);
	free(p->conninfo);
	free(p->application);
	free(p);
}

void pg_pool_free(struct pg_pool *p)
{
	struct list_node *node;

	if (p == NULL || p->is_closing)
		return;
	p->is_closing = true;
	for (int i = 0; i < p->o.connections; i++)
		pg_conn_deinit(&p->conns[i]);
	while ((node = list_pop_front(&p->waiting)) != NULL) {
		pg_unit_of(node)->state = PG_UNIT_DYING;
		list_push_back(&p->dying, node);
	}
	timer_free(p->age_timer);
	timer_free(p->clock_timer);
	p->age_timer = p->clock_timer = NULL;
	loop_defer_free(p->loop, p, finish_free);
}
