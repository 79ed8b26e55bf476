/* Inside of pg, shared by its .c files only.
 *
 *   pg_unit.c    a unit: its statements, what came back, its one callback
 *   pg_share.c   units in one transaction
 *   pg_params.c  binary values on their way to the server (pg_codec.h)
 *   pg_rows.c    and back
 *   pg_conn.c    one connection: connecting, preparing, sending, results, loss
 *   pg_measure.c what the pool counts
 *   pg_pool.c    the pool: waiting list, deadlines, choice of a connection, clock */
#ifndef BELFRY_PG_PG_IMPL_H
#define BELFRY_PG_PG_IMPL_H

#include <libpq-fe.h>

#include "base/list.h"
#include "pg/pg_codec.h"

struct event;

struct pg_result {
	PGresult *res;
};

struct pg_call {
	const struct pg_stmt *stmt;
	const char **values;
	int *lengths;
	int *formats;
	int n;
};

enum pg_unit_state {
	PG_UNIT_BUILDING = 0,
	PG_UNIT_WAITING, /* in pool->waiting */
	PG_UNIT_SENT,    /* in conn->sent, until its sync */
	PG_UNIT_DYING,   /* in pool->dying */
	PG_UNIT_DONE
};

struct pg_unit {
	enum pg_unit_state state;
	struct list_node node;
	struct list_node age; /* in pool->by_age while a callback is owed */
	struct uuid share;    /* goes with units of the same; nil = by itself */
	bool is_last;         /* of its transaction: the sync stands behind it */
	struct pg_pool *pool;
	struct arena *arena;
	struct pg_call *calls;
	size_t n_calls, cap_calls;
	struct err bad;  /* what is wrong with its parameters */
	pg_done_fn done; /* NULL: nobody waits any more */
	void *arg;
	usec_t mono_deadline;

	struct pg_result *results; /* n_expected of them */
	size_t n_results, n_expected;
	size_t n_seen;      /* answers to its statements, good ones or not */
	struct err failure; /* the first one */
	char sqlstate[6];
	const char *constraint;
	const char *message;
};

static inline struct pg_unit *pg_unit_of(struct list_node *node)
{
	return CONTAINER_OF(node, struct pg_unit, node);
}

/* Room for the results of n statements. */
void pg_unit_expect(struct pg_unit *u, size_t n);
/* Takes the next result of the unit, an error included. */
void pg_unit_take_result(struct pg_unit *u, PGresult *res);
/* Forgets all answers: it will be sent again. */
void pg_unit_renew(struct pg_unit *u);
/* Calls back, unless that was done or nobody waits. The unit stays. */
void pg_unit_fire(struct pg_unit *u, struct err e);
/* Calls back and frees. The unit is in no list but by_age. */
void pg_unit_finish(struct pg_unit *u, struct err e);

enum pg_conn_state {
	PG_CONN_DOWN = 0, /* waits to connect again */
	PG_CONN_CONNECTING,
	PG_CONN_SETUP, /* session settings, statements being prepared */
	PG_CONN_READY,
	PG_CONN_STATE_COUNT
};

struct pg_conn {
	struct pg_pool *pool;
	int number;
	enum pg_conn_state state;
	PGconn *pq;
	struct event *readable, *writable;
	struct list sent;       /* units on the wire, in order */
	struct timer *timer;    /* by state: reconnect, connect deadline, stall */
	usec_t mono_progress;   /* when the server last gave something, or work after none */
	int failures;           /* in a row */
	bool is_retiring;       /* sends nothing more, and reconnects once empty */
	bool was_deadline_seen; /* the socket has been read since the timer's */
	usec_t probe_sent_at;
};

void pg_conn_init(struct pg_conn *c, struct pg_pool *p, int number);
/* Closes and frees what is in it; the units sent go to pool->dying. */
void pg_conn_deinit(struct pg_conn *c);
size_t pg_conn_room(const struct pg_conn *c); /* units that it takes now */
/* Sends the units of `lot` as one transaction and leaves it empty. May lose the connection, and so fire
 * callbacks. */
void pg_conn_send(struct pg_conn *c, struct list *lot);
void pg_conn_probe(struct pg_conn *c); /* asks for the server's clock */

struct histogram;

/* What a pool counts: all NULL, or none. */
struct pg_measures {
	int64_t *ready, *waiting, *sent, *failed, *resent;
	struct histogram *seconds;
};

struct pg_pool {
	struct loop *loop;
	struct pg_options o;
	struct pg_measures measures;
	char *conninfo, *application;
	struct pg_conn *conns;
	struct list waiting, by_age, dying;
	struct timer *age_timer, *clock_timer;
	int n_ready;
	bool is_closing;
	bool is_pump_queued;
	bool was_deadline_seen; /* the sockets have been read since the oldest unit's */
	usec_t mono_connected_at;
	usec_t clock_offset, clock_error; /* error: half the round trip of that sample */
	usec_t mono_clock_at;             /* of the sample; 0 = none */
};

void pg_pool_measure(struct pg_pool *p); /* pg_measure.c */
void pg_pool_note_unit(struct pg_pool *p, const struct pg_unit *u, bool failed);
void pg_pool_pump(struct pg_pool *p); /* gives waiting units to connections, after this turn */
void pg_pool_note_ready(struct pg_pool *p, int change);
void pg_pool_note_clock(struct pg_pool *p, usec_t sent_at, usec_t server_at);

/* --- pg_share.c: lists of units on the wire begin with those of one transaction, up to `is_last` */

/* Takes out of the waiting ones those of the next transaction; there is one at least. */
void pg_share_take(struct pg_pool *p, struct list *out);
/* Whose answer comes next. */
struct pg_unit *pg_share_answering(const struct list *sent);

struct pg_share_end {
	size_t n;        /* its units */
	bool goes_again; /* nothing took effect: pg_share_again */
};

/* The first transaction has ended: judges it, so that each of its units has its failure. */
struct pg_share_end pg_share_end(const struct list *sent);
/* Puts its n units back in front of those that wait, each to go by itself. */
void pg_share_again(struct pg_pool *p, struct list *sent, size_t n);

/* Postgres counts microseconds from 2000-01-01. */
#define PG_EPOCH_US INT64_C(946684800000000)

#endif
