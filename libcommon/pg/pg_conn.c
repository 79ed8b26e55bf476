/* One connection.
 *
 *           connect      statements prepared
 *   DOWN ──► CONNECTING ──► SETUP ──► READY
 *    ▲            │           │         │
 *    └────────────┴───────────┴─────────┘  lost, refused, too slow; again after a jittered wait
 *
 * Units go out whole, sync included, and come back in the same order. The server says nothing
 * before the sync, so a connection that gives nothing for longer than any statement may take is
 * given up: its peer is gone, or a packet filter has forgotten us.
 *
 * libpq resolves names on the spot, so a host in the conninfo should be a socket directory, an
 * address, or a name of /etc/hosts or a local resolver. */
#include "pg/pg_impl.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "sys/clock.h"
#include "sys/log.h"
#include "sys/random.h"

#define CONNECT_TIMEOUT_US (5 * USEC_PER_SEC)
#define RECONNECT_MIN_US (200 * USEC_PER_MS) /* halved by jitter at most */
#define RECONNECT_MAX_US (5 * USEC_PER_SEC)
#define STALL_GRACE_US USEC_PER_SEC

/* The session's own settings: a statement never outlives its unit by much, a backend notices that
 * its client died while it waits for a lock, and no query is delayed by compiling it. */
static const char session_sql[] =
	"SELECT set_config('statement_timeout', $1, false), "
	"set_config('client_connection_check_interval', '1000', false), "
	"set_config('jit', 'off', false), set_config('TimeZone', 'UTC', false), "
	"set_config('plan_cache_mode', $2, false), set_config('enable_seqscan', $3, false)";
static const char clock_sql[] = "SELECT clock_timestamp()";

static const char *const state_names[PG_CONN_STATE_COUNT] = {
	[PG_CONN_DOWN] = "down",
	[PG_CONN_CONNECTING] = "connecting",
	[PG_CONN_SETUP] = "setup",
	[PG_CONN_READY] = "ready",
};

static void set_state(struct pg_conn *c, enum pg_conn_state state)
{
	enum pg_conn_state old = c->state;

	if (state == old)
		return;
	ASSERT(state == PG_CONN_DOWN || state == old + 1);
	c->state = state;
	c->was_deadline_seen = false;
	log_debug("pg_state", LI("conn", c->number), LS("from", state_names[old]),
		  LS("to", state_names[state]));
	if (state == PG_CONN_READY)
		pg_pool_note_ready(c->pool, 1);
	else if (old == PG_CONN_READY)
		pg_pool_note_ready(c->pool, -1);
}

static void unwatch(struct event **e)
{
	if (*e != NULL)
		event_free(*e);
	*e = NULL;
}

static void watch(struct pg_conn *c, struct event **e, short what, event_callback_fn fn)
{
	unwatch(e);
	*e = event_new(loop_base(c->pool->loop), PQsocket(c->pq), what, fn, c);
	ASSERT(*e != NULL);
	ASSERT(event_add(*e, NULL) == 0);
}

/* --- loss ----------------------------------------------------------------------------------- */

static void close_socket(struct pg_conn *c)
{
	/* Before PQfinish: a descriptor must leave epoll before its number is used again. */
	unwatch(&c->readable);
	unwatch(&c->writable);
	timer_stop(c->timer);
	PQfinish(c->pq);
	c->pq = NULL;
	c->is_retiring = false;
	set_state(c, PG_CONN_DOWN);
}

static usec_t reconnect_wait(const struct pg_conn *c)
{
	usec_t wait = RECONNECT_MIN_US;

	for (int i = 1; i < c->failures && wait < RECONNECT_MAX_US; i++)
		wait *= 2;
	double most = (double)min_i64(wait, RECONNECT_MAX_US);
	return (usec_t)(most * (0.5 + random_unit() / 2));
}

/* Closes, fails what was on the wire and comes back later. */
static void lose(struct pg_conn *c, const char *reason)
{
	struct str message, rest;
	struct list_node *node;

	/* The first line says what, the others guess why. */
	(void)str_split(str_from(PQerrorMessage(c->pq)), '\n', &message, &rest);
	log_warn(c->state == PG_CONN_READY ? "pg_connection_lost" : "pg_connect_failed",
		 LI("conn", c->number), LS("reason", reason), LT("message", message),
		 LI("units", c->sent.n));
	close_socket(c);
	c->failures++;
	timer_start(c->timer, reconnect_wait(c));
	/* A callback may free the pool, which then has taken the rest of the list. */
	while ((node = list_pop_front(&c->sent)) != NULL)
		pg_unit_finish(pg_unit_of(node),
			       ERR(ERR_UNAVAILABLE, "the connection to the database was lost"));
}

/* --- results -------------------------------------------------------------------------------- */

/* Whether a unit shows that its session is no good. */
static bool is_stale(const struct pg_unit *u)
{
	/* Such a session never recovers by itself: the schema or the primary has changed. */
	static const char *const states[] = { "25006", "26000", "0A000" };

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		if (strcmp(u->sqlstate, states[i]) == 0)
			return true;
	}
	/* Answers that are not those of what was asked, with no error of the server's: between us and
	 * it somebody mixed up sessions, and the next answers would be another's too. */
	return u->sqlstate[0] == '\0' &&
	       (u->failure.code == ERR_INTERNAL || u->failure.code == ERR_PROTOCOL);
}

static void take_sync(struct pg_conn *c)
{
	const PGconn *pq = c->pq;
	struct pg_share_end end = pg_share_end(&c->sent);

	if (end.goes_again) {
		pg_share_again(c->pool, &c->sent, end.n);
		return;
	}
	struct list_node *node = list_first(&c->sent);
	for (size_t i = 0; i < end.n; i++, node = list_next(&c->sent, node))
		c->is_retiring = c->is_retiring || is_stale(pg_unit_of(node));
	/* A callback may free the pool, which then has taken the rest of the list. */
	for (size_t i = 0; i < end.n && c->pq == pq; i++) {
		struct pg_unit *u = pg_unit_of(list_pop_front(&c->sent));
		pg_unit_finish(u, u->failure);
	}
}

static void take_results(struct pg_conn *c)
{
	const PGconn *pq = c->pq;
	int n_empty = 0;

	/* A callback may lose this connection or free the pool: then pq is gone. An empty answer
	 * ends each statement; two in a row mean that libpq waits for more. */
	while (c->pq != NULL && c->pq == pq && c->sent.n > 0 && n_empty < 2 && !PQisBusy(c->pq)) {
		PGresult *res = PQgetResult(c->pq);
		if (res == NULL) {
			n_empty++;
			continue;
		}
		n_empty = 0;
		c->mono_progress = loop_mono(c->pool->loop);
		if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
			PQclear(res);
			take_sync(c);
			continue;
		}
		pg_unit_take_result(pg_share_answering(&c->sent), res);
	}
}

/* Goes back to the start of its life once nothing is on the wire. */
static void retire_if_due(struct pg_conn *c)
{
	if (c->pq == NULL || !c->is_retiring || c->sent.n > 0)
		return;
	log_info("pg_connection_retired", LI("conn", c->number));
	close_socket(c);
	timer_start(c->timer, 0);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *c = arg;
	/* Under TLS a second read takes what OpenSSL holds of a record and epoll cannot see. */
	int reads = PQsslInUse(c->pq) ? 2 : 1;
	bool ok = true;

	(void)fd;
	(void)what;
	for (int i = 0; ok && i < reads && c->pq != NULL; i++) {
		ok = PQconsumeInput(c->pq) != 0;
		take_results(c);
		ok = ok && c->pq != NULL && PQstatus(c->pq) == CONNECTION_OK;
	}
	if (!ok && c->pq != NULL)
		lose(c, "read failed");
	retire_if_due(c);
	pg_pool_pump(c->pool);
}

/* --- sending -------------------------------------------------------------------------------- */

static void flush(struct pg_conn *c);

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

static void flush(struct pg_conn *c)
{
	int rc = PQflush(c->pq);

	if (rc < 0)
		lose(c, "write failed");
	else if (rc == 0)
		unwatch(&c->writable);
	else if (c->writable == NULL)
		watch(c, &c->writable, EV_WRITE | EV_PERSIST, on_writable);
}

static bool send_call(struct pg_conn *c, const struct pg_call *call)
{
	const struct pg_stmt *s = call->stmt;
	const char *const *values = call->values;

	if (c->pool->o.prepare)
		return PQsendQueryPrepared(c->pq, s->name, call->n, values, call->lengths,
					   call->formats, 1) != 0;
	return PQsendQueryParams(c->pq, s->sql, call->n, s->param_oids, values, call->lengths,
				 call->formats, 1) != 0;
}

static void push_sent(struct pg_conn *c, struct pg_unit *u, bool is_last)
{
	if (c->sent.n == 0)
		c->mono_progress = loop_mono(c->pool->loop);
	u->state = PG_UNIT_SENT;
	u->is_last = is_last;
	list_push_back(&c->sent, &u->node);
}

/* Ends the transaction with its sync and puts it on the wire; or, when libpq refused some of it, loses
 * the connection with it. */
static void launch(struct pg_conn *c, bool is_queued)
{
	if (!is_queued || PQpipelineSync(c->pq) == 0) {
		lose(c, "send failed");
		return;
	}
	if (c->state == PG_CONN_READY && !timer_is_armed(c->timer))
		timer_start_at(c->timer, loop_mono(c->pool->loop) + c->pool->o.unit_timeout_us +
						 STALL_GRACE_US);
	flush(c);
}

void pg_conn_send(struct pg_conn *c, struct list *lot)
{
	struct list_node *node;
	bool ok = true;

	while ((node = list_pop_front(lot)) != NULL) {
		struct pg_unit *u = pg_unit_of(node);
		pg_unit_expect(u, u->n_calls);
		for (size_t i = 0; ok && i < u->n_calls; i++)
			ok = send_call(c, &u->calls[i]);
		push_sent(c, u, lot->n == 0);
	}
	launch(c, ok);
}

size_t pg_conn_room(const struct pg_conn *c)
{
	size_t depth = (size_t)c->pool->o.depth;

	if (c->state != PG_CONN_READY || c->is_retiring || c->sent.n >= depth)
		return 0;
	return depth - c->sent.n;
}

static void on_clock(struct err e, const struct pg_unit *u, void *arg)
{
	const struct pg_conn *c = arg;

	if (is_err(e) || pg_result_rows(&u->results[0]) != 1)
		return; /* the next one will do */
	pg_pool_note_clock(c->pool, c->probe_sent_at, pg_get_timestamptz(&u->results[0], 0, 0));
}

void pg_conn_probe(struct pg_conn *c)
{
	struct pg_unit *u = pg_unit_new();

	u->done = on_clock;
	u->arg = c;
	pg_unit_expect(u, 1);
	c->probe_sent_at = clock_now();
	push_sent(c, u, true);
	launch(c, PQsendQueryParams(c->pq, clock_sql, 0, NULL, NULL, NULL, NULL, 1) != 0);
}

/* --- connecting ----------------------------------------------------------------------------- */

static void on_setup(struct err e, const struct pg_unit *u, void *arg)
{
	struct pg_conn *c = arg;

	if (c->pool->is_closing || c->state != PG_CONN_SETUP)
		return; /* lost meanwhile, which has been said */
	if (is_err(e)) {
		size_t i = u->n_results;
		log_error("pg_setup_failed", LERR(e), LS("sqlstate", u->sqlstate),
			  LS("message", u->message),
			  LS("statement",
			     i == 0 ? "session settings" : c->pool->o.stmts[i - 1]->name));
		lose(c, "setup failed");
		return;
	}
	timer_stop(c->timer);
	c->failures = 0;
	set_state(c, PG_CONN_READY);
}

/* Everything a session needs, in one round trip. */
static void begin_setup(struct pg_conn *c)
{
	const struct pg_options *o = &c->pool->o;
	struct pg_unit *u = pg_unit_new();
	char timeout_ms[24];
	const char *values[] = { timeout_ms, o->plans_once ? "force_generic_plan" : "auto",
				 o->plans_once ? "off" : "on" };
	size_t n = 0;
	bool ok = true;

	set_state(c, PG_CONN_SETUP);
	u->done = on_setup;
	u->arg = c;
	(void)snprintf(timeout_ms, sizeof(timeout_ms), "%" PRId64,
		       max_i64(o->unit_timeout_us / USEC_PER_MS, 1));
	/* Behind a pooler in transaction mode a session is nobody's, so nothing is set on it. */
	if (o->prepare) {
		ok = PQsendQueryParams(c->pq, session_sql, 3, NULL, values, NULL, NULL, 0) != 0;
		for (n = 1; ok && o->stmts[n - 1] != NULL; n++) {
			const struct pg_stmt *s = o->stmts[n - 1];
			ok = PQsendPrepare(c->pq, s->name, s->sql, s->n_params, s->param_oids) != 0;
		}
	}
	pg_unit_expect(u, n);
	push_sent(c, u, true);
	launch(c, ok);
}

static void on_notice(void *arg, const PGresult *res)
{
	const struct pg_conn *c = arg;
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	log_debug("pg_notice", LI("conn", c->number), LS("message", text));
}

static void on_connecting(evutil_socket_t fd, short what, void *arg);

static void become_connected(struct pg_conn *c)
{
	PQsetNoticeReceiver(c->pq, on_notice, c);
	if (PQsetnonblocking(c->pq, 1) != 0 || PQenterPipelineMode(c->pq) == 0) {
		lose(c, "no pipeline mode");
		return;
	}
	watch(c, &c->readable, EV_READ | EV_PERSIST, on_readable);
	begin_setup(c);
}

static void on_connecting(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *c = arg;

	(void)fd;
	(void)what;
	/* libpq may go to another address, with a new socket under the same number. */
	unwatch(&c->readable);
	switch (PQconnectPoll(c->pq)) {
	case PGRES_POLLING_READING:
		watch(c, &c->readable, EV_READ, on_connecting);
		break;
	case PGRES_POLLING_WRITING:
		watch(c, &c->readable, EV_WRITE, on_connecting);
		break;
	case PGRES_POLLING_OK:
		become_connected(c);
		break;
	case PGRES_POLLING_ACTIVE:
	case PGRES_POLLING_FAILED:
		lose(c, "connect failed");
		break;
	}
}

static void begin_connect(struct pg_conn *c)
{
	const char *const keys[] = { "dbname", "application_name", "client_encoding", NULL };
	const char *const values[] = { c->pool->conninfo, c->pool->application, "UTF8", NULL };

	set_state(c, PG_CONN_CONNECTING);
	timer_start(c->timer, CONNECT_TIMEOUT_US);
	c->pq = PQconnectStartParams(keys, values, 1);
	ASSERT(c->pq != NULL); /* out of memory */
	if (PQstatus(c->pq) == CONNECTION_BAD)
		lose(c, "connect failed");
	else
		watch(c, &c->readable, EV_WRITE, on_connecting);
}

/* When this process itself stood still, the answer may lie in the socket. */
static void look_or_lose(struct pg_conn *c, const char *reason)
{
	if (c->was_deadline_seen) {
		lose(c, reason);
		return;
	}
	c->was_deadline_seen = true;
	timer_start(c->timer, 0);
}

static void on_timer(void *arg)
{
	struct pg_conn *c = arg;
	usec_t mono_limit = c->mono_progress + c->pool->o.unit_timeout_us + STALL_GRACE_US;

	switch (c->state) {
	case PG_CONN_DOWN:
		begin_connect(c);
		break;
	case PG_CONN_CONNECTING:
	case PG_CONN_SETUP:
		look_or_lose(c, "too slow to connect");
		break;
	case PG_CONN_READY:
		if (c->sent.n > 0 && loop_mono(c->pool->loop) >= mono_limit) {
			look_or_lose(c, "no answer");
			break;
		}
		c->was_deadline_seen = false;
		if (c->sent.n > 0)
			timer_start_at(c->timer, mono_limit);
		break;
	case PG_CONN_STATE_COUNT:
		break;
	}
}

void pg_conn_init(struct pg_conn *c, struct pg_pool *p, int number)
{
	c->pool = p;
	c->number = number;
	list_init(&c->sent);
	c->timer = timer_new(p->loop, on_timer, c);
	timer_start(c->timer, 0);
}

void pg_conn_deinit(struct pg_conn *c)
{
	struct list_node *node;

	close_socket(c);
	while ((node = list_pop_front(&c->sent)) != NULL) {
		pg_unit_of(node)->state = PG_UNIT_DYING;
		list_push_back(&c->pool->dying, node);
	}
	timer_free(c->timer);
	c->timer = NULL;
}
