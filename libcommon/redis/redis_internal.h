/* What the files of redis/ share. A connection's life:
 *
 *   DOWN --timer--> [ASKING a Sentinel, on a connection of its own -->] CONNECTING
 *
 *   DOWN --timer--> CONNECTING --connected--> GREETING --all answered--> UP
 *     ^                  |                        |                       |
 *     +------------------+------- redis_drop -----+-----------------------+
 *
 * A request is in exactly one of three queues: `sent` (in the order of the replies to come),
 * `parked` (waits for the next connection) or `failed` (its callback fires from the loop). */
#ifndef BELFRY_REDIS_REDIS_INTERNAL_H
#define BELFRY_REDIS_REDIS_INTERNAL_H

#include "redis/redis.h"

struct bufferevent;
struct evdns_base;
struct redisReader;

enum redis_state {
	REDIS_DOWN = 0,
	REDIS_ASKING,
	REDIS_CONNECTING,
	REDIS_GREETING,
	REDIS_UP,
	REDIS_STATE_COUNT
};

/* A script's arguments as they go over the wire, kept until the reply: the server may not know
 * the script any more, or the connection may be lost. */
struct redis_eval {
	struct redis_loaded *script;
	size_t argc; /* elements of tail: the number of keys, then keys and arguments */
	size_t n;
	char tail[];
};

struct redis_pending {
	struct redis_hook hook;
	struct redis_eval *eval; /* owned; NULL for a plain command */
	usec_t mono_deadline;
	usec_t mono_keep_until;
	bool is_greeting;
	struct err e; /* in `failed` */
};

/* A ring that grows. */
struct redis_queue {
	struct redis_pending *v;
	size_t head, n, cap;
};

void redis_queue_push(struct redis_queue *q, const struct redis_pending *p);
struct redis_pending redis_queue_pop(struct redis_queue *q); /* n > 0 */
struct redis_pending *redis_queue_at(struct redis_queue *q, size_t i);

#define REDIS_HOSTS_MAX 8

struct redis_host {
	char name[256];
	int port;
};

struct redis_url {
	bool is_unix;
	bool is_tls;
	char path[108]; /* of a Unix socket */
	struct redis_host hosts[REDIS_HOSTS_MAX];
	size_t n_hosts;
	char master[64]; /* then the hosts are Sentinels; "" = the one host is Redis */
	char sentinel_password[512];
	char ca[256];       /* file of authorities; "" = the system's */
	char tls_name[256]; /* "" = the host's own */
	char user[128];
	char password[512];
	int64_t db;
};

struct err redis_url_parse(struct str url, struct redis_url *out) MUST_USE;

struct redis_listener {
	void (*fn)(bool is_up, void *arg);
	void *arg;
};

#define REDIS_LISTENERS_MAX 8
#define REDIS_SCRIPTS_MAX 16

/* A script that was used at least once. */
struct redis_loaded {
	const struct redis_script *script;
	struct str text;
	char sha[41];
	uint64_t connection; /* the last one that was told the text */
};

struct redis {
	struct loop *loop;
	struct redis_url url;
	char name[64];
	usec_t timeout_us;
	size_t max_pending;

	enum redis_state state;
	uint64_t connection; /* counts them; tells a callback that its own is gone */
	struct bufferevent *bev;
	struct redisReader *reader;
	struct evdns_base *dns;
	struct ssl_ctx_st *tls;   /* NULL = plain */
	struct redis_host target; /* where the next connection goes */
	size_t next_sentinel;
	struct timer *connect_timer;  /* DOWN: the next attempt; CONNECTING, GREETING: the limit */
	struct timer *deadline_timer; /* of the oldest request in flight, or earlier */
	usec_t mono_deadline_armed;
	bool was_deadline_seen; /* it passed; one more look at the socket before it counts */
	usec_t backoff_us;
	bool is_outage_logged;

	struct redis_queue sent, parked, failed;
	size_t parked_bytes;
	bool is_flush_scheduled, is_free_scheduled, is_closed;
	struct strbuf scratch;

	struct redis_listener listeners[REDIS_LISTENERS_MAX];
	size_t n_listeners;
	struct redis_loaded scripts[REDIS_SCRIPTS_MAX];
	size_t n_scripts;

	struct strbuf spaced; /* the command that waits for its interval */
	struct timer *spaced_timer;
	usec_t mono_spaced_at;
};

/* --- redis_request.c: requests and their queues --- */
/* Appends one bulk string, or the head of a command of argc elements. */
void redis_put_head(struct strbuf *b, size_t argc);
void redis_put_bulk(struct strbuf *b, struct str s);
/* Sends the text in `scratch` as one request, or fails it. Takes p->eval. */
void redis_submit(struct redis *r, struct redis_pending *p);
void redis_fail(struct redis *r, const struct redis_pending *p, struct err e);
/* Fails or parks everything in flight; the oldest with `head`. */
void redis_fail_sent(struct redis *r, struct err head);
void redis_send_parked(struct redis *r);
void redis_schedule_flush(struct redis *r);
void redis_free_when_done(struct redis *r);
void redis_arm_deadline(struct redis *r);

/* --- redis_script.c --- */
/* Writes the request into `scratch`, the text of the script before it if this connection was not
 * told it yet, or EVAL with the whole text if is_full. */
void redis_eval_write(struct redis *r, const struct redis_eval *e, bool is_full);

/* --- redis_tls.c --- */
struct err redis_tls_new(const struct redis_url *u, struct ssl_ctx_st **out) MUST_USE;
void redis_tls_free(struct ssl_ctx_st *ctx);
/* A socket that will speak TLS with `target`; NULL when it cannot. */
struct bufferevent *redis_tls_socket(const struct redis *r);
/* What the peer or its certificate did wrong, or NULL. */
const char *redis_tls_fault(struct bufferevent *bev, char out[256]);

/* --- redis_sentinel.c --- */
void redis_ask_sentinel(struct redis *r); /* connected to one: who is the master? */

/* --- redis_conn.c: the socket --- */
void redis_connect(struct redis *r, enum redis_state s); /* to `target` */
void redis_greet_with(struct redis *r, const struct redis_args *a, redis_done_fn done);
void redis_conn_init(struct redis *r); /* timers; the first connect is the caller's to start */
void redis_drop(struct redis *r, struct err head, const char *why);
void redis_conn_close(struct redis *r); /* without a word to anybody */
void redis_conn_deinit(struct redis *r);

#endif
