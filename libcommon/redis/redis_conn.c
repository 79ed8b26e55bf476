/* The socket: connecting, greeting (AUTH, SELECT, CLIENT SETNAME, PING), reading replies, deadlines
 * and coming back after a loss. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "redis/redis_internal.h"
#include "sys/log.h"
#include "sys/random.h"

#define CONNECT_TIMEOUT_US (5 * USEC_PER_SEC)
#define BACKOFF_MIN_US (20 * USEC_PER_MS)
#define BACKOFF_MAX_US (1 * USEC_PER_SEC)
/* One reply that is not complete yet, in bytes. */
#define INPUT_MAX ((size_t)64 << 20)

static void tell_listeners(struct redis *r, bool is_up)
{
	/* A listener may add or remove listeners, or close the connection. */
	struct redis_listener copy[REDIS_LISTENERS_MAX];
	size_t n = r->n_listeners;
	memcpy(copy, r->listeners, sizeof(copy));
	for (size_t i = 0; i < n && !r->is_closed; i++)
		copy[i].fn(is_up, copy[i].arg);
}

void redis_conn_close(struct redis *r)
{
	if (r->bev != NULL)
		bufferevent_free(r->bev);
	r->bev = NULL;
	if (r->reader != NULL)
		redisReaderFree(r->reader);
	r->reader = NULL;
	r->connection++;
	r->was_deadline_seen = false;
	timer_stop(r->connect_timer);
	timer_stop(r->deadline_timer);
}

void redis_drop(struct redis *r, struct err head, const char *why)
{
	bool was_up = r->state == REDIS_UP;
	redis_conn_close(r);
	r->state = REDIS_DOWN;
	redis_fail_sent(r, head);
	redis_send_parked(r);
	if (!r->is_outage_logged)
		log_warn("redis_down", LS("connection", r->name), LS("reason", why));
	r->is_outage_logged = true;

	/* Half of it at random, so that many processes do not come back in step. */
	usec_t wait_us = r->backoff_us / 2 + (usec_t)(random_unit() * (double)r->backoff_us / 2);
	r->backoff_us = min_i64(r->backoff_us * 2, BACKOFF_MAX_US);
	timer_start(r->connect_timer, wait_us);
	if (was_up)
		tell_listeners(r, false);
}

/* --- greeting ------------------------------------------------------------------------------- */

static void on_greeting(struct err e, const struct redis_reply *reply, void *arg)
{
	struct redis *r = arg;
	if (is_err(e) || r->state != REDIS_GREETING)
		return;
	if (redis_type(reply) == REDIS_ERROR) {
		char why[128];
		struct str s = redis_str(reply);
		size_t n = min_size(s.n, sizeof(why) - 1);
		memcpy(why, s.p, n);
		why[n] = '\0';
		redis_drop(r, ERR(ERR_UNAVAILABLE, "Redis refused the greeting"), why);
		return;
	}
	if (r->sent.n > 0)
		return;
	timer_stop(r->connect_timer);
	r->state = REDIS_UP;
	r->backoff_us = BACKOFF_MIN_US;
	if (r->is_outage_logged)
		log_info("redis_up", LS("connection", r->name));
	r->is_outage_logged = false;
	redis_send_parked(r);
	tell_listeners(r, true);
}

void redis_greet_with(struct redis *r, const struct redis_args *a, redis_done_fn done)
{
	redis_put_head(&r->scratch, a->n);
	for (size_t i = 0; i < a->n; i++)
		redis_put_bulk(&r->scratch, a->v[i]);
	struct redis_pending p = {
		.hook = { .done = done, .arg = r, .timeout_us = CONNECT_TIMEOUT_US },
		.is_greeting = true
	};
	redis_submit(r, &p);
}

static void greet_with(struct redis *r, const struct str *argv, size_t argc)
{
	redis_greet_with(r, &(struct redis_args){ argv, argc, 0 }, on_greeting);
}

/* A Sentinel may not know yet of a failover: then its word is a replica by now. */
static void on_role(struct err e, const struct redis_reply *reply, void *arg)
{
	struct redis *r = arg;

	if (!is_err(e) && r->state == REDIS_GREETING && redis_type(reply) == REDIS_ARRAY &&
	    !str_eq(redis_str(redis_at(reply, 0)), STR("master")))
		redis_drop(r, ERR(ERR_UNAVAILABLE, "Redis is not the master"), "not the master");
	else
		on_greeting(e, reply, arg);
}

static void greet(struct redis *r)
{
	const struct redis_url *u = &r->url;
	r->state = REDIS_GREETING;
	if (u->password[0] != '\0' && u->user[0] != '\0')
		greet_with(r,
			   (struct str[]){ STR("AUTH"), str_from(u->user), str_from(u->password) },
			   3);
	else if (u->password[0] != '\0')
		greet_with(r, (struct str[]){ STR("AUTH"), str_from(u->password) }, 2);
	if (u->db != 0) {
		char text[24];
		int n = snprintf(text, sizeof(text), "%" PRId64, u->db);
		greet_with(r, (struct str[]){ STR("SELECT"), { text, (size_t)n } }, 2);
	}
	if (r->name[0] != '\0')
		greet_with(r, (struct str[]){ STR("CLIENT"), STR("SETNAME"), str_from(r->name) },
			   3);
	if (u->master[0] != '\0')
		redis_greet_with(r, &(struct redis_args){ (struct str[]){ STR("ROLE") }, 1, 0 },
				 on_role);
	greet_with(r, (struct str[]){ STR("PING") }, 1);
}

/* --- reading -------------------------------------------------------------------------------- */

/* Gives one reply to the oldest request. */
static void deliver(struct redis *r, const struct redis_reply *reply)
{
	struct redis_pending p = redis_queue_pop(&r->sent);
	r->was_deadline_seen = false;
	redis_arm_deadline(r);
	if (p.eval != NULL && redis_is_error(reply, "NOSCRIPT")) {
		redis_eval_write(r, p.eval, true);
		redis_submit(r, &p);
		return;
	}
	free(p.eval);
	if (p.hook.done != NULL)
		p.hook.done(OK, reply, p.hook.arg);
	else if (p.hook.drop != NULL)
		p.hook.drop(p.hook.arg);
}

static void read_replies(struct redis *r)
{
	uint64_t connection = r->connection;
	/* A callback may close or drop the connection; the reader is gone then. */
	while (r->connection == connection) {
		void *reply = NULL;
		if (redisReaderGetReply(r->reader, &reply) != REDIS_OK) {
			redis_drop(r, ERR(ERR_PROTOCOL, "Redis' reply is malformed"),
				   "malformed reply");
			return;
		}
		if (reply == NULL)
			break;
		if (r->sent.n > 0)
			deliver(r, reply);
		else
			redis_drop(r, OK, "a reply that nobody asked for");
		freeReplyObject(reply);
	}
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct redis *r = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	struct evbuffer_iovec v[8];
	int n;
	while ((n = evbuffer_peek(in, -1, NULL, v, ARRAY_LEN(v))) > 0) {
		size_t taken = 0;
		for (size_t i = 0; i < min_size((size_t)n, ARRAY_LEN(v)); i++) {
			if (redisReaderFeed(r->reader, v[i].iov_base, v[i].iov_len) != REDIS_OK)
				break;
			taken += v[i].iov_len;
		}
		if (taken == 0 || evbuffer_drain(in, taken) != 0 || r->reader->len > INPUT_MAX) {
			redis_drop(r, ERR(ERR_PROTOCOL, "Redis' reply is too large"),
				   "reply too large");
			return;
		}
	}
	read_replies(r);
}

/* --- deadlines ------------------------------------------------------------------------------ */

static void on_deadline(void *arg)
{
	struct redis *r = arg;
	if (r->sent.n == 0)
		return;
	if (redis_queue_at(&r->sent, 0)->mono_deadline > loop_mono(r->loop)) {
		r->was_deadline_seen = false;
		redis_arm_deadline(r);
		return;
	}
	/* When this process itself was stopped or slow, the reply may lie in the socket. */
	if (!r->was_deadline_seen) {
		r->was_deadline_seen = true;
		timer_start(r->deadline_timer, 0);
		return;
	}
	redis_drop(r, ERR(ERR_TIMEOUT, "Redis did not answer in time"), "no answer in time");
}

/* --- connecting ----------------------------------------------------------------------------- */

/* A request waits for its reply, and Nagle would wait for the request. */
static void set_no_delay(const struct redis *r, struct bufferevent *bev)
{
	int on = 1;
	if (!r->url.is_unix &&
	    setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		log_warn("redis_no_delay", LS("reason", strerror(errno)));
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct redis *r = arg;
	if ((what & BEV_EVENT_CONNECTED) != 0) {
		set_no_delay(r, bev);
		if (r->state == REDIS_ASKING)
			redis_ask_sentinel(r);
		else
			greet(r);
		return;
	}
	int dns = bufferevent_socket_get_dns_error(bev);
	const char *why = "closed by the server";
	char tls_fault[256];
	if (r->tls != NULL && redis_tls_fault(bev, tls_fault) != NULL)
		why = tls_fault;
	else if (dns != 0)
		why = evutil_gai_strerror(dns);
	else if ((what & BEV_EVENT_EOF) == 0)
		why = evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR());
	redis_drop(r, ERR(ERR_UNAVAILABLE, "the connection to Redis was lost"), why);
}

static int connect_unix(struct redis *r)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_Static_assert(sizeof(sa.sun_path) >= sizeof(r->url.path), "a path that was checked fits");
	memcpy(sa.sun_path, r->url.path, sizeof(r->url.path));
	return bufferevent_socket_connect(r->bev, (struct sockaddr *)(void *)&sa, sizeof(sa));
}

static int connect_tcp(struct redis *r)
{
	/* Without a resolver, when the machine has none configured, only addresses work. */
	if (r->dns == NULL)
		r->dns = evdns_base_new(loop_base(r->loop),
					EVDNS_BASE_INITIALIZE_NAMESERVERS |
						EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	return bufferevent_socket_connect_hostname(r->bev, r->dns, AF_UNSPEC, r->target.name,
						   r->target.port);
}

/* The connect timer: time to try, or no connection within its limit. */
static void on_connect_timer(void *arg)
{
	struct redis *r = arg;
	if (r->state != REDIS_DOWN) {
		redis_drop(r, ERR(ERR_UNAVAILABLE, "Redis did not greet"), "no greeting in time");
		return;
	}
	if (r->url.master[0] != '\0') {
		/* Each time another one, so that one that lies dead stops nobody for long. */
		r->target = r->url.hosts[r->next_sentinel++ % r->url.n_hosts];
		redis_connect(r, REDIS_ASKING);
		return;
	}
	if (!r->url.is_unix)
		r->target = r->url.hosts[0];
	redis_connect(r, REDIS_CONNECTING);
}

void redis_connect(struct redis *r, enum redis_state s)
{
	r->state = s;
	r->bev = r->tls != NULL
			 ? redis_tls_socket(r)
			 : bufferevent_socket_new(loop_base(r->loop), -1, BEV_OPT_CLOSE_ON_FREE);
	r->reader = redisReaderCreate();
	ASSERT(r->reader != NULL);
	timer_start(r->connect_timer, CONNECT_TIMEOUT_US);
	if (r->bev == NULL) {
		redis_drop(r, ERR(ERR_UNAVAILABLE, "Redis cannot be reached"), "no socket");
		return;
	}
	bufferevent_setcb(r->bev, on_read, NULL, on_event, r);
	uint64_t connection = r->connection;
	int rc = bufferevent_enable(r->bev, EV_READ | EV_WRITE);
	if (rc == 0)
		rc = r->url.is_unix ? connect_unix(r) : connect_tcp(r);
	/* It may have failed, and been dropped, inside the call. */
	if (rc != 0 && r->connection == connection)
		redis_drop(r, ERR(ERR_UNAVAILABLE, "Redis cannot be reached"), strerror(errno));
}

void redis_conn_init(struct redis *r)
{
	r->backoff_us = BACKOFF_MIN_US;
	r->connect_timer = timer_new(r->loop, on_connect_timer, r);
	r->deadline_timer = timer_new(r->loop, on_deadline, r);
}

void redis_conn_deinit(struct redis *r)
{
	redis_conn_close(r);
	r->state = REDIS_DOWN;
	timer_free(r->connect_timer);
	timer_free(r->deadline_timer);
	if (r->dns != NULL)
		evdns_base_free(r->dns, 0);
	r->dns = NULL;
}
