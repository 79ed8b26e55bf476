/* See http_receiver.h. */
#include "http_receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/mem.h"

static bool has_whole_request(const struct http_peer *p)
{
	const char *end = p->got.n ? strstr(p->got.p, "\r\n\r\n") : NULL;
	const char *length = p->got.n ? strstr(p->got.p, "Content-Length: ") : NULL;
	if (!end || !length)
		return false;
	size_t body = strtoul(length + strlen("Content-Length: "), NULL, 10);
	return p->got.n >= (size_t)(end + 4 - p->got.p) + body;
}

static bool has_said_all(const struct http_peer *p)
{
	return p->out.n == 0;
}

/* What a peer of that receiver does next. */
static void serve(struct receiver *r, size_t i)
{
	struct http_peer *p = r->peers[i];
	if (p->fd < 0 || p->is_closed)
		return;
	if (r->ending == RESET_AT_ONCE) {
		peer_reset(p);
		return;
	}
	if (!r->answered[i]) {
		if (!has_whole_request(p))
			return;
		r->answered[i] = true;
		peer_say(p, r->text);
		return;
	}
	if (!has_said_all(p))
		return;
	if (r->ending == THEN_CLOSE) {
		close(p->fd);
		event_del(p->readable);
		p->fd = -1;
	} else if (r->ending == THEN_RESET) {
		peer_reset(p);
	} else if (r->ending == THEN_DRIP) {
		peer_say(p, r->filler);
	} else if (r->ending == THEN_FLOOD) {
		for (int n = 0; n < 1000; n++)
			peer_say(p, r->filler);
	}
}

static void on_tick(void *arg)
{
	struct receiver *r = arg;
	for (size_t i = 0; i < r->n_peers; i++)
		serve(r, i);
	timer_start(r->tick, r->ending == THEN_DRIP ? 20 * MS : MS / 2);
}

static void on_accept(struct evconnlistener *l, int fd, struct sockaddr *sa, int size, void *arg)
{
	struct receiver *r = arg;
	(void)l;
	(void)sa;
	(void)size;
	assert_true(r->n_peers < PEERS_MAX);
	r->peers[r->n_peers++] = peer_adopt(r->loop, fd);
}

struct receiver *receiver_open(struct loop *l, const char *text, enum ending ending)
{
	struct receiver *r = xcalloc(1, sizeof(*r));
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	r->loop = l;
	r->text = text;
	r->filler = "x";
	r->ending = ending;
	r->listener = evconnlistener_new_bind(loop_base(l), on_accept, r,
					      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 128,
					      (struct sockaddr *)&at, sizeof(at));
	assert_non_null(r->listener);
	assert_int_equal(
		getsockname(evconnlistener_get_fd(r->listener), (struct sockaddr *)&at, &size), 0);
	r->port = ntohs(at.sin_port);
	r->tick = timer_new(l, on_tick, r);
	timer_start(r->tick, 0);
	return r;
}

void receiver_close(struct receiver *r)
{
	evconnlistener_free(r->listener);
	timer_free(r->tick);
	for (size_t i = 0; i < r->n_peers; i++)
		peer_free(r->peers[i]);
	free(r);
}

void receiver_url(const struct receiver *r, const char *scheme, char out[64])
{
	snprintf(out, 64, "%s://127.0.0.1:%d/hook?x=1", scheme, r->port);
}

const struct http_client_options desk_defaults = {
	.max_in_flight = 300,
	.connect_timeout_us = 5 * USEC_PER_SEC,
	.total_timeout_us = 8 * USEC_PER_SEC,
	.max_headers = 32 * KB,
	.max_body = 16 * KB,
	.keep_body = 2 * KB,
};

struct desk *desk_open(struct http_client_options o, const char *cidrs)
{
	struct desk *d = xcalloc(1, sizeof(*d));
	d->loop = loop_new();
	assert_ok(address_policy_new(str_from(cidrs), &d->policy));
	o.policy = d->policy;
	d->client = http_client_new(d->loop, &o);
	return d;
}

void desk_close(struct desk *d)
{
	http_client_free(d->client);
	loop_free(d->loop);
	address_policy_free(d->policy);
	free(d);
}

void desk_done(const struct http_answer *a, void *arg)
{
	struct desk *d = arg;
	d->n_done++;
	d->last = *a;
	snprintf(d->retry_after, sizeof(d->retry_after), "%.*s", STR_ARG(a->retry_after));
	snprintf(d->peer, sizeof(d->peer), "%.*s", STR_ARG(a->peer));
	assert_true(a->excerpt.n <= sizeof(d->excerpt));
	memcpy(d->excerpt, a->excerpt.p, a->excerpt.n);
	d->n_excerpt = a->excerpt.n;
	loop_stop(d->loop);
}

bool desk_is_done(void *arg)
{
	const struct desk *d = arg;
	return d->n_done > 0;
}

struct err desk_post(struct desk *d, const char *url)
{
	static const struct http_header headers[] = {
		{ "content-type", { "application/json", 16 } },
		{ "webhook-id", { "evt_1", 5 } },
	};
	return http_post(d->client,
			 &(struct http_post){ .url = url,
					      .headers = headers,
					      .n_headers = ARRAY_LEN(headers),
					      .body = STR("{\"a\":1}") },
			 desk_done, d);
}

void desk_post_and_wait(struct desk *d, const char *url)
{
	d->n_done = 0;
	assert_ok(desk_post(d, url));
	assert_int_equal(http_client_in_flight(d->client), 1);
	assert_int_equal(d->n_done, 0); /* never inside the call */
	until(d->loop, desk_is_done, d);
	assert_int_equal(http_client_in_flight(d->client), 0);
}
