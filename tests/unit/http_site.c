/* See http_site.h. */
#include "http_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const struct http_server_options site_defaults = {
	.bind = "127.0.0.1",
	.max_headers = 16 * KB,
	.max_body = 64 * KB,
	.max_connections = 100,
	.header_timeout_us = 30 * USEC_PER_SEC,
	.body_timeout_us = 30 * USEC_PER_SEC,
	.idle_timeout_us = 30 * USEC_PER_SEC,
};

static void answer(struct site *s, struct http_request *r)
{
	struct strbuf b;
	struct str body = http_request_body(r);
	strbuf_init(&b, 16 * KB * KB);
	if (s->body_size) {
		while (b.n < s->body_size)
			strbuf_add(&b, STR("0123456789abcdef"));
	} else {
		strbuf_addf(&b, "[%.*s|%zu|%.*s]", STR_ARG(http_request_path(r)), body.n,
			    (int)min_size(body.n, 64), body.p);
	}
	http_reply_header(r, "X-Test", "yes");
	http_reply(r, s->status, "text/plain", strbuf_str(&b));
	strbuf_deinit(&b);
}

static void on_gone(void *arg)
{
	struct held *h = arg;
	h->site->n_gone++;
	loop_stop(h->site->loop);
}

static void site_request(struct http_request *r, void *arg)
{
	struct site *s = arg;
	struct str path = http_request_path(r);
	s->n_handled++;
	snprintf(s->last_path, sizeof(s->last_path), "%.*s", STR_ARG(path));
	if (s->holds) {
		struct held *h = arena_alloc(http_request_arena(r), sizeof(*h));
		h->site = s;
		h->request = r;
		list_push_back(&s->held, &h->node);
		http_request_on_gone(r, on_gone, h);
	} else {
		answer(s, r);
	}
	loop_stop(s->loop);
}

void site_answer_first(struct site *s)
{
	struct list_node *n = list_pop_front(&s->held);
	assert_non_null(n);
	answer(s, CONTAINER_OF(n, struct held, node)->request);
}

void site_problem(const struct http_violation *v, struct strbuf *body,
		  char request_id[HTTP_REQUEST_ID_SIZE], void *arg)
{
	(void)arg;
	if (v->request_id.n > 0 && v->request_id.n < HTTP_REQUEST_ID_SIZE)
		memcpy(request_id, v->request_id.p, v->request_id.n);
	strbuf_addf(body, "{\"status\":%d,\"code\":\"%s\",\"detail\":\"%s\"}", v->status, v->code,
		    v->detail);
}

struct site *site_open(struct http_server_options o)
{
	struct site *s = xcalloc(1, sizeof(*s));
	s->loop = loop_new();
	s->status = 200;
	list_init(&s->held);
	if (o.handler == NULL)
		o.handler = site_request;
	o.problem = site_problem;
	o.arg = s;
	assert_ok(http_server_open(s->loop, &o, &s->server));
	s->port = http_server_port(s->server);
	return s;
}

void site_close(struct site *s)
{
	http_server_close(s->server);
	loop_free(s->loop);
	free(s);
}

struct http_peer *site_ask(struct site *s, const char *text)
{
	struct http_peer *p = peer_connect(s->loop, s->port);
	peer_say(p, text);
	return p;
}

/* One answer of that status, in the form of problems, and the end. */
void expect_refusal(struct http_peer *p, int status, const char *code)
{
	char line[64], member[64];
	until_closed(p);
	snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	snprintf(member, sizeof(member), "\"code\":\"%s\"", code);
	CHECK(str_starts(strbuf_str(&p->got), str_from(line)), "%s: %s", line, p->got.p);
	CHECK(str_has(strbuf_str(&p->got), member), "%s: %s", member, p->got.p);
	CHECK(str_has(strbuf_str(&p->got), "Content-Type: application/problem+json\r\n"), "%s",
	      p->got.p);
	CHECK(str_has(strbuf_str(&p->got), "Connection: close\r\n"), "%s", p->got.p);
	CHECK(peer_count(p, "\r\nDate: ") == 1, "%s", p->got.p);
	CHECK(!p->is_reset, "%s", p->got.p);
}

struct http_request *site_hold_one(struct site *s, struct http_peer *p, const char *text)
{
	s->holds = true;
	peer_say(p, text);
	while (list_is_empty(&s->held))
		assert_int_equal(loop_run(s->loop), 0);
	return CONTAINER_OF(list_first(&s->held), struct held, node)->request;
}

void peer_say_times(struct http_peer *p, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		peer_say(p, text);
}
