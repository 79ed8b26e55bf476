/* Postgres on the loop: libpq without blocking, in pipeline mode.
 *
 * A connection is a pipeline of units. A unit is one transaction: statements, then one sync, no
 * BEGIN. It succeeded when its sync arrived with no error before it (a failed commit is an extra
 * error result after the last statement's own). One failed statement fails its unit; a lost
 * connection fails every unit on it as ERR_UNAVAILABLE, and then nobody knows whether they took
 * effect. Reconnection waits with jitter. Every statement is prepared under its name when a
 * connection opens (or sent unnamed with `prepare` off, for old PgBouncers).
 *
 * A pool has a fixed number of connections and a bounded waiting list: pg_submit answers
 * ERR_OVERLOADED when it is full. A unit goes whole to one connection. `depth` units may be
 * pipelined on a connection before others wait.
 *
 * The callback fires exactly once, from the loop, never inside pg_submit, never after pg_cancel.
 * Results are borrowed until it returns. All values travel in binary, see pg_codec.h.
 *
 * With `prepare`, sessions get statement_timeout, TimeZone UTC, jit off and a check that ends the
 * backend's wait when its client is gone; without, a session belongs to a pooler and is left as it
 * is, and has one unit on the wire at a time (see pg_pool.c). A unit that timed out keeps its place on
 * the wire until its sync; a connection that gives nothing for unit_timeout_us + 1 s is closed. Both are
 * judged after one more look at the socket, so a process that stood still takes the answers that came.
 * libpq resolves host names on the spot: give socket directories, addresses, or names that resolve
 * locally. */
#ifndef BELFRY_PG_PG_H
#define BELFRY_PG_PG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/uuid.h"
#include "loop/loop.h"

struct metrics;
struct pg_pool;
struct pg_unit;
struct pg_result; /* rows of one statement */

/* A statement, made at build time from one .sql file; see store/gen.py. */
struct pg_stmt {
	const char *name; /* the file's name without .sql */
	const char *sql;
	int n_params;
	const unsigned *param_oids;
	int n_columns; /* declared in "-- rows:"; 0 = none */
	const unsigned *column_oids;
	bool writes; /* it may change rows */
};

struct pg_options {
	const char *conninfo;    /* BELFRY_DATABASE_URL */
	const char *application; /* application_name: service and incarnation */
	int connections;         /* > 0 */
	int depth;               /* units pipelined per connection; without prepare always 1 */
	size_t max_waiting;      /* units waiting for a connection */
	usec_t unit_timeout_us;  /* whole unit from submit; also statement_timeout */
	bool prepare;
	/* Statements are planned once a session and not for each set of values: for services whose
	 * plans do not depend on these. Small ones would be planned anew most of the time, which takes
	 * longer than running them. They read by index wherever there is one: a plan may be made while
	 * a table fits a page and be kept when it does not. */
	bool plans_once;
	const struct pg_stmt *const *stmts; /* NULL-terminated: what this service may run */
	/* Where the pool's use is counted, under the name `pool`; NULL = nowhere. */
	struct metrics *metrics;
	const char *pool;
};

struct pg_pool *pg_pool_new(struct loop *l, const struct pg_options *o);
/* Fails what is pending as ERR_CANCELLED, from the loop, before it returns the memory. */
void pg_pool_free(struct pg_pool *p);
bool pg_pool_is_ready(const struct pg_pool *p); /* at least one connection is usable */
/* When the pool last came back from having no connection, monotonic; 0 = never connected. Leases
 * are judged only one lease after this. */
usec_t pg_pool_mono_connected_at(const struct pg_pool *p);
/* What to add to our wall clock for Postgres', measured at connect and every 10 s; 0 before. It is 0
 * where the measurement allows that both agree to 50 ms, else the least that it allows. A sample is
 * taken from a request and its answer; on a machine that stands still in between it is off by up to
 * half of that, and with the middle of it calls were dialed early and secrets signed too short. */
usec_t pg_pool_clock_correction(const struct pg_pool *p);
/* The same of one sample: that offset, give or take error. */
usec_t pg_clock_correction(usec_t offset, usec_t error);
size_t pg_pool_pending(const struct pg_pool *p); /* units waiting or on the wire */

typedef void (*pg_done_fn)(struct err e, const struct pg_unit *u, void *arg);

struct pg_unit *pg_unit_new(void);
void pg_unit_free(struct pg_unit *u);           /* only one that was never submitted */
struct arena *pg_unit_arena(struct pg_unit *u); /* lives until after the callback */
size_t pg_unit_writes(const struct pg_unit *u); /* how many of its statements may change rows */
#define PG_SHARE_MAX 16
/* Lets it go to the server in one transaction with other units that wait at the same time and were
 * given the same `with`, PG_SHARE_MAX at most: one round trip and one commit for all. Each keeps its
 * own results and its callback. When the server refuses one, then nothing took effect, and each is
 * sent again by itself. For units that are short, and that never wait for locks in another order. */
void pg_unit_share(struct pg_unit *u, struct uuid with);
/* Takes the unit in any case. On success the callback will fire; on failure it will not, and the
 * unit is gone: ERR_OVERLOADED; ERR_INVALID for a number that does not fit its column; ERR_INTERNAL
 * for a statement that is not in the pool's list; ERR_CANCELLED while closing. */
struct err pg_submit(struct pg_pool *p, struct pg_unit *u, pg_done_fn done, void *arg) MUST_USE;
/* The callback will not fire; the unit may still take effect. */
void pg_cancel(struct pg_unit *u);

/* Results, in order of the statements added, inside the callback. */
const struct pg_result *pg_unit_result(const struct pg_unit *u, size_t i);
size_t pg_result_rows(const struct pg_result *r);
int64_t pg_result_affected(const struct pg_result *r); /* of INSERT, UPDATE, DELETE without rows */
/* What the callback is told:
 *   OK               committed
 *   ERR_CONFLICT     a constraint refused it (SQLSTATE class 23); nothing took effect
 *   ERR_OVERLOADED   serialization failure, deadlock, server out of resources: nothing took effect,
 *                    the same unit may be tried again
 *   ERR_TIMEOUT      its time passed, here (then it may still take effect) or at the server
 *                    (pg_unit_sqlstate says 57014 or 55P03; then it did not)
 *   ERR_UNAVAILABLE  the connection was lost, here or behind a pooler, and nobody knows; or, with a sqlstate, the session or
 *                    the server cannot be used, and nothing took effect
 *   ERR_INVALID, ERR_DENIED, ERR_INTERNAL   a value, a right, a statement; a statement that answers
 *                    other columns than declared (which then took effect)
 *   ERR_CANCELLED    the pool was freed
 * After a failure: SQLSTATE ("23505") or "" when the server said none, and the constraint. */
const char *pg_unit_sqlstate(const struct pg_unit *u);
const char *pg_unit_constraint(const struct pg_unit *u);
/* The server's message, for one log line. */
const char *pg_unit_message(const struct pg_unit *u);

#endif
