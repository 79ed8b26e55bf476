/* The listening side: caps, deadlines, the list of connections. */
#include "http/http_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/timefmt.h"
#include "http/http_internal.h"
#include "sys/log.h"

#define BACKLOG 4096 /* the kernel takes what it allows of it */
#define ACCEPT_AGAIN_US (200 * USEC_PER_MS)
#define MAX_BUFFERED ((size_t)256 * 1024 * 1024)

bool http_gate_is_open(struct http_gate *g, usec_t mono_now, int64_t *left_out)
{
	if (mono_now < g->mono_next) {
		g->left_out++;
		return false;
	}
	*left_out = g->left_out;
	g->left_out = 0;
	g->mono_next = mono_now + USEC_PER_SEC;
	return true;
}

/* --- deadlines: one heap, one timer ------------------------------------------------------- */

/* Most deadlines are moved before they come, mostly to later: the timer is only touched for an
 * earlier one, and looks again when it fires. */
static void arm(struct http_server *s)
{
	const struct heap_node *first = heap_min(&s->deadlines);
	if (!first || first->at >= s->mono_armed)
		return;
	s->mono_armed = first->at;
	timer_start_at(s->deadline_timer, first->at);
}

void http_server_set_deadline(struct http_conn *c, usec_t in_us)
{
	struct http_server *s = c->server;
	if (in_us == USEC_NEVER) {
		heap_remove(&s->deadlines, &c->deadline);
		return;
	}
	heap_push(&s->deadlines, &c->deadline, loop_mono(s->loop) + in_us);
	arm(s);
}

static void on_deadlines(void *arg)
{
	struct http_server *s = arg;
	usec_t mono_now = loop_mono(s->loop);
	struct heap_node *node;
	s->mono_armed = USEC_NEVER;
	while ((node = heap_min(&s->deadlines)) != NULL && node->at <= mono_now) {
		heap_remove(&s->deadlines, node);
		http_conn_on_deadline(CONTAINER_OF(node, struct http_conn, deadline));
	}
	arm(s);
}

const char *http_server_date(struct http_server *s)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t at_s = loop_now(s->loop) / USEC_PER_SEC;
	if (s->date[0] && at_s == s->date_s)
		return s->date;
	int year, month, day;
	int64_t day_n = at_s / 86400;
	int of_day = (int)(at_s % 86400);
	date_from_days(day_n, &year, &month, &day);
	(void)snprintf(s->date, sizeof(s->date), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
		       days + 3 * ((day_n + 4) % 7), day, months + 3 * (month - 1), year,
		       of_day / 3600, of_day / 60 % 60, of_day % 60);
	s->date_s = at_s;
	return s->date;
}

/* --- caps --------------------------------------------------------------------------------- */

static void pause_listener(struct http_server *s)
{
	if (s->listener && !s->is_paused)
		(void)evconnlistener_disable(s->listener); /* only an epoll entry */
	s->is_paused = true;
}

static void resume_listener(struct http_server *s)
{
	int cap = s->o.max_connections;
	bool is_full = (int)s->conns.n > cap - 1 - cap / 10;
	if (!s->listener || !s->is_paused || is_full || timer_is_armed(s->accept_again))
		return;
	s->is_paused = false;
	(void)evconnlistener_enable(s->listener); /* only an epoll entry */
}

static void on_accept_again(void *arg)
{
	resume_listener(arg);
}

/* IPv4 as ::ffff:a.b.c.d; of IPv6 the /64, which is what one customer gets. */
static struct uuid address_key(const struct sockaddr *sa)
{
	struct uuid key = UUID_NIL;
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, sa, sizeof(in6));
		bool is_v4 = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
		memcpy(key.b, &in6.sin6_addr, is_v4 ? 16 : 8);
	} else {
		struct sockaddr_in in;
		memcpy(&in, sa, sizeof(in));
		key.b[10] = key.b[11] = 0xff;
		memcpy(key.b + 12, &in.sin_addr, 4);
	}
	return key;
}

/* What one address may hold: its cap, and no more than half of what is left for everybody. So a few
 * addresses get smaller shares the more they take, and a new one always finds room. */
static int address_cap(const struct http_server *s)
{
	int share = (s->o.max_connections - (int)s->conns.n) / 2;
	if (share > s->o.max_per_address)
		share = s->o.max_per_address;
	return share > 1 ? share : 1;
}

/* False when the address holds as many as it may; none (NULL) holds any number. */
static bool count_address(struct http_server *s, const struct sockaddr *sa,
			  struct http_address **out)
{
	*out = NULL;
	if (s->o.max_per_address <= 0 || !sa)
		return true;
	struct uuid key = address_key(sa);
	struct http_address *a = map_get(&s->addresses, key);
	if (a && a->n >= address_cap(s))
		return false;
	if (!a) {
		a = xcalloc(1, sizeof(*a));
		a->key = key;
		map_set(&s->addresses, key, a);
	}
	a->n++;
	*out = a;
	return true;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
		      int size, void *arg)
{
	(void)listener;
	(void)size;
	struct http_server *s = arg;
	struct http_address *address;
	char peer[INET6_ADDRSTRLEN];
	int64_t left_out;
	usec_t mono_now = loop_mono(s->loop);
	bool is_proxy = s->o.proxies && address_is_listed(s->o.proxies, sa);
	http_address_text(sa, peer);
	if (!count_address(s, is_proxy ? NULL : sa, &address)) {
		if (http_gate_is_open(&s->address_gate, mono_now, &left_out))
			log_warn("http_address_at_cap", LS("peer", peer), LI("cap", address_cap(s)),
				 LI("left_out", left_out));
		(void)close(fd); /* nothing was promised to it */
		return;
	}
	http_conn_open(s, fd, address, peer)->is_proxy = is_proxy;
	if ((int)s->conns.n < s->o.max_connections)
		return;
	pause_listener(s);
	if (http_gate_is_open(&s->cap_gate, mono_now, &left_out))
		log_warn("http_connections_at_cap", LI("cap", s->o.max_connections),
			 LI("left_out", left_out));
}

/* Without descriptors the kernel reports the same waiting connection again and again: leave it
 * alone for a moment instead. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)listener;
	struct http_server *s = arg;
	const char *why = strerror(errno);
	int64_t left_out;
	if (http_gate_is_open(&s->accept_gate, loop_mono(s->loop), &left_out))
		log_error("http_accept_failed", LS("reason", why), LI("left_out", left_out));
	pause_listener(s);
	timer_start(s->accept_again, ACCEPT_AGAIN_US);
}

void http_server_conn_opened(struct http_conn *c)
{
	list_push_back(&c->server->conns, &c->node);
}

void http_server_conn_closed(struct http_conn *c)
{
	struct http_server *s = c->server;
	struct http_address *a = c->address;
	heap_remove(&s->deadlines, &c->deadline);
	list_remove(&s->conns, &c->node);
	if (a && --a->n == 0) {
		(void)map_remove(&s->addresses, a->key); /* it is a */
		free(a);
	}
	c->address = NULL;
	resume_listener(s);
}

/* --- the life of a server ----------------------------------------------------------------- */

static struct err listen_at(struct http_server *s)
{
	struct sockaddr_storage ss = { .ss_family = AF_INET };
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&ss;
	socklen_t size = sizeof(*in);
	const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
	if (inet_pton(AF_INET, s->o.bind, &in->sin_addr) == 1) {
		in->sin_port = htons((uint16_t)s->o.port);
	} else if (inet_pton(AF_INET6, s->o.bind, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)s->o.port);
		size = sizeof(*in6);
	} else {
		return ERR(ERR_INVALID, "the address to listen at is not an IPv4 or IPv6 address");
	}
	s->listener = evconnlistener_new_bind(loop_base(s->loop), on_accept, s, flags, BACKLOG,
					      (struct sockaddr *)&ss, (int)size);
	if (!s->listener && errno == EADDRINUSE)
		return ERR(ERR_CONFLICT, "the port to listen at is in use");
	if (!s->listener)
		return ERR(ERR_IO, "cannot listen at this address and port");
	evconnlistener_set_error_cb(s->listener, on_accept_error);
	size = sizeof(ss);
	if (getsockname(evconnlistener_get_fd(s->listener), (struct sockaddr *)&ss, &size) != 0)
		return ERR(ERR_IO, "the listening socket has no name");
	s->port = ntohs(ss.ss_family == AF_INET ? in->sin_port : in6->sin6_port);
	return OK;
}

struct err http_server_open(struct loop *l, const struct http_server_options *o,
			    struct http_server **out)
{
	if (o->port < 0 || o->port > 65535 || o->max_connections < 1)
		return ERR(ERR_INVALID, "the port or the cap on connections is out of range");
	struct http_server *s = xcalloc(1, sizeof(*s));
	s->loop = l;
	s->o = *o;
	if (s->o.max_buffered == 0)
		s->o.max_buffered = MAX_BUFFERED;
	s->mono_armed = USEC_NEVER;
	s->accept_again = timer_new(l, on_accept_again, s);
	s->deadline_timer = timer_new(l, on_deadlines, s);
	heap_init(&s->deadlines);
	list_init(&s->conns);
	list_init(&s->requests);
	map_init(&s->addresses);
	struct err e = listen_at(s);
	s->o.bind = NULL; /* the caller's text ends here */
	if (is_err(e)) {
		http_server_close(s);
		return e;
	}
	*out = s;
	return OK;
}

int http_server_port(const struct http_server *s)
{
	return s->port;
}

void http_server_stop_accepting(struct http_server *s)
{
	if (s->listener)
		evconnlistener_free(s->listener);
	s->listener = NULL;
	struct list_node *next = NULL;
	for (struct list_node *n = list_first(&s->conns); n; n = next) {
		struct http_conn *c = CONTAINER_OF(n, struct http_conn, node);
		next = list_next(&s->conns, n);
		http_conn_drain(c);
	}
}

size_t http_server_in_flight(const struct http_server *s)
{
	return s->requests.n;
}

void http_server_close(struct http_server *s)
{
	struct list_node *n;
	if (!s)
		return;
	s->is_closed = true;
	if (s->listener)
		evconnlistener_free(s->listener);
	s->listener = NULL;
	while ((n = list_first(&s->conns)) != NULL)
		http_conn_kill(CONTAINER_OF(n, struct http_conn, node));
	while ((n = list_pop_front(&s->requests)) != NULL)
		CONTAINER_OF(n, struct http_request, node)->server = NULL;
	while (s->n_spare)
		arena_free(s->spare[--s->n_spare]);
	timer_free(s->accept_again);
	timer_free(s->deadline_timer);
	heap_deinit(&s->deadlines);
	map_deinit(&s->addresses);
	strbuf_deinit(&s->head);
	loop_defer_free(s->loop, s, free);
}
