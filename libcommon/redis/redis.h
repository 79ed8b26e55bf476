/* Redis on the loop: a libevent bufferevent with hiredis' formatter and reply reader, so that every
 * command has a deadline, names resolve without blocking, and AUTH/SELECT come from the URL
 *
 *   redis://[user:password@]host[:port][/db]       rediss://… the same by TLS
 *   redis+sentinel://[user:password@]host[:port][,host[:port]…]/MASTER[/db]
 *                                                  the master that these Sentinels name
 *   unix:///path
 *
 * rediss://, and rediss+sentinel:// for Sentinels and master both, check the server's certificate
 * against the system's authorities and the host's name (the master's address, through Sentinel).
 * Behind a `?`, joined by `&`: ca=PATH of other authorities, tls_name=NAME that the certificates
 * must hold instead, sentinel_password=PASSWORD of the Sentinels.
 *
 * Through Sentinel every new connection asks first, one Sentinel after the other, and who was
 * named must say by ROLE that it is the master: so a failover is followed with the reconnection
 * that it causes.
 *
 * A connection keeps itself: it reconnects with jitter. Commands in flight on a lost connection
 * fail with ERR_UNAVAILABLE; commands given while it is down fail at once (from the loop, not
 * inside the call). Commands are pipelined in order. A command past its deadline fails with
 * ERR_TIMEOUT and, since the order of replies would be lost, closes the connection.
 * Blocking reads (XREADGROUP BLOCK) get a connection of their own. */
#ifndef BELFRY_REDIS_REDIS_H
#define BELFRY_REDIS_REDIS_H

#include "base/err.h"
#include "base/str.h"
#include "loop/loop.h"

struct redis;

enum redis_type { REDIS_NIL = 0, REDIS_INT, REDIS_STR, REDIS_ARRAY, REDIS_STATUS, REDIS_ERROR };

struct redis_reply; /* borrowed in callbacks */
enum redis_type redis_type(const struct redis_reply *r);
int64_t redis_int(const struct redis_reply *r);    /* 0 unless an integer */
struct str redis_str(const struct redis_reply *r); /* of STR, STATUS and ERROR */
size_t redis_count(const struct redis_reply *r);   /* elements of an array */
const struct redis_reply *redis_at(const struct redis_reply *r, size_t i); /* NULL outside */

/* e is OK also for an error reply of the server's: then *r has the type REDIS_ERROR. */
typedef void (*redis_done_fn)(struct err e, const struct redis_reply *r, void *arg);

struct redis_options {
	const char *url;
	usec_t timeout_us;  /* default deadline of a command */
	size_t max_pending; /* commands in flight; more fail with ERR_OVERLOADED */
	const char *name;   /* CLIENT SETNAME */
};

struct err redis_open(struct loop *l, const struct redis_options *o, struct redis **out) MUST_USE;
/* Pending callbacks fire with ERR_CANCELLED from the loop, unless redis_forget named their arg. */
void redis_close(struct redis *r);
bool redis_is_up(const struct redis *r);
struct loop *redis_loop(const struct redis *r);
/* Called each time the connection has come up (also the first time) and gone down. */
void redis_on_state(struct redis *r, void (*fn)(bool is_up, void *arg), void *arg);

/* Words, binary-safe, copied by the call. */
struct redis_args {
	const struct str *v;
	size_t n;
	size_t n_keys; /* of a script: so many keys lead */
};

/* Who hears of the reply. A module that stands between a caller and its callback names that
 * caller's arg as `owner`: redis_forget(owner) then drops the request, `done` does not fire, and
 * `drop` frees the module's own record `arg`. */
struct redis_hook {
	redis_done_fn done; /* may be NULL */
	void *arg;
	const void *owner;
	void (*drop)(void *arg); /* may be NULL */
	usec_t timeout_us;       /* 0 = the connection's default */
	/* A script only: for so long a lost connection does not fail it, it is sent again on the
	 * next one. For what must arrive and may arrive twice. 0 = fails. */
	usec_t keep_us;
};

/* A hook of NULL: nobody hears of it. */
void redis_command(struct redis *r, const struct redis_args *a, const struct redis_hook *h);
/* "XACK %s %s" in the manner of hiredis: %s takes a const char *, %b a pointer and a size_t, %d and
 * %lld integers. */
void redis_commandf(struct redis *r, redis_done_fn done, void *arg, const char *fmt, ...);
/* At most once per `every_us`, at the end of a busy interval too. One such command per connection:
 * a later one replaces an earlier that waits. */
void redis_command_spaced(struct redis *r, const struct redis_args *a, usec_t every_us);
/* Fires the hook from the loop with e and no reply, for a request that needs no server. */
void redis_answer(struct redis *r, struct err e, const struct redis_hook *h);
/* Callbacks and state listeners whose arg or owner is this pointer will not fire any more. */
void redis_forget(struct redis *r, const void *arg);

/* --- Lua: EVALSHA, and once more with EVAL when the server says NOSCRIPT -------------------- */
struct redis_script {
	const char *path; /* "proto/lua/bucket_take.lua", embedded at build time */
};

/* Scripts run in the order of the calls, the first use on a connection included. */
void redis_eval(struct redis *r, const struct redis_script *s, const struct redis_args *a,
		const struct redis_hook *h);

/* --- for callbacks -------------------------------------------------------------------------- */

/* e, or what an error reply of the server's means: ERR_UNAVAILABLE when it is loading, full, busy
 * or read-only, else ERR_PROTOCOL. Logs the server's words of the latter. */
struct err redis_check(struct err e, const struct redis_reply *r) MUST_USE;
/* True when the reply is the error of that code: "NOGROUP". */
bool redis_is_error(const struct redis_reply *r, const char *code);

#endif
