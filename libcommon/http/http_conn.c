/* One connection: bytes in, judged; a whole request to the handler; the answer out. The picture of
 * its states stands in http_internal.h. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/http_internal.h"
#include "sys/log.h"

#define STEPS_PER_TURN 64
#define LINGER_US (5 * USEC_PER_SEC)
#define REPLY_BYTES_PER_SECOND 16384 /* a slower reader is cut off */
#define IDLE_BUFFER_MAX 8192
#define HEAD_READ_MORE 1024 /* so that a header section that is too large shows */

static void advance(struct http_conn *c);

/* How much of the input is held at most. A body is read in large pieces, since it does not stay here;
 * what stands before it, or behind it, is what every connection may cost. */
static size_t input_max(const struct http_conn *c)
{
	if (c->state == HTTP_CONN_BODY || c->state == HTTP_CONN_STREAM)
		return c->in.max;
	return c->server->o.max_headers + HEAD_READ_MORE;
}

void http_conn_watch(struct http_conn *c)
{
	bool has_room = c->in.n - c->in_at < input_max(c);
	bool read = !c->is_eof && (has_room || c->state == HTTP_CONN_LINGER);
	bool write = c->out.n > c->out_at;
	if (read != c->is_reading)
		(void)(read ? event_add(c->readable, NULL) : event_del(c->readable));
	if (write != c->is_writing)
		(void)(write ? event_add(c->writable, NULL) : event_del(c->writable));
	c->is_reading = read;
	c->is_writing = write;
}

static void tell_gone(struct http_request *r)
{
	loop_fn fn = r->gone;
	r->gone = NULL;
	if (fn)
		fn(r->gone_arg);
}

void http_conn_kill(struct http_conn *c)
{
	struct http_request *r = c->request;
	bool was_handed_out = c->state == HTTP_CONN_BUSY || c->state == HTTP_CONN_STREAM ||
			      c->state == HTTP_CONN_SENDING;
	if (c->state == HTTP_CONN_DEAD)
		return;
	c->state = HTTP_CONN_DEAD;
	c->request = NULL;
	event_free(c->readable);
	event_free(c->writable);
	(void)close(c->fd); /* nothing is left to be done about a failure */
	strbuf_deinit(&c->in);
	strbuf_deinit(&c->out);
	http_server_conn_closed(c);
	bool is_told = !c->server->is_closed;
	loop_defer_free(c->server->loop, c, free);
	if (!r)
		return;
	r->conn = NULL;
	if (!was_handed_out) {
		http_request_free(r);
	} else if (is_told) {
		if (r->gone)
			tell_gone(r);
		else if (r->drained)
			r->drained(r->drained_arg); /* may free r, like the other */
	}
}

/* --- writing ------------------------------------------------------------------------------ */

static void linger(struct http_conn *c)
{
	if (c->is_eof) {
		http_conn_kill(c);
		return;
	}
	/* Closing with unread input resets the connection, and a reset may overtake the answer on
	 * its way: say that no more comes, and read until the client has seen it. */
	(void)shutdown(c->fd, SHUT_WR); /* a peer that is gone shows when reading */
	c->state = HTTP_CONN_LINGER;
	strbuf_deinit(&c->in);
	c->in_at = 0;
	http_server_set_deadline(c, LINGER_US);
	http_conn_watch(c);
}

void http_conn_finish_reply(struct http_conn *c)
{
	strbuf_deinit(&c->out);
	c->out_at = 0;
	if (!c->keeps_alive) {
		linger(c);
		return;
	}
	c->state = HTTP_CONN_HEAD;
	c->is_idle = true;
	http_server_set_deadline(c, c->server->o.idle_timeout_us);
	if (c->in.n == c->in_at && c->in.cap > IDLE_BUFFER_MAX) {
		strbuf_deinit(&c->in);
		c->in_at = 0;
	}
	http_conn_watch(c);
	/* a pipelined request begins from the loop, not inside the handler that just answered */
	if (!c->is_advancing && (c->in.n > c->in_at || c->is_eof))
		event_active(c->readable, EV_READ, 0);
}

/* Bytes taken by the socket; -1 when the connection was lost, and it is dead now. */
static ssize_t put(struct http_conn *c, struct str head, struct str body)
{
	union {
		const void *from;
		void *to;
	} h = { .from = head.p }, b = { .from = body.p }; /* sendmsg only reads them */
	struct iovec iov[2] = { { h.to, head.n }, { b.to, body.n } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = body.n ? 2 : 1 };
	ssize_t n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	http_conn_kill(c);
	return -1;
}

static struct str after(struct str s, size_t n)
{
	return n < s.n ? (struct str){ s.p + n, s.n - n } : STR_NONE;
}

bool http_conn_push(struct http_conn *c, struct str head, struct str body)
{
	size_t sent = 0;
	if (c->out.n == c->out_at) {
		ssize_t n = put(c, head, body);
		if (n < 0)
			return false;
		sent = (size_t)n;
	}
	strbuf_add(&c->out, after(head, sent));
	strbuf_add(&c->out, after(body, sent > head.n ? sent - head.n : 0));
	return true;
}

void http_conn_send(struct http_conn *c, struct str head, struct str body)
{
	c->state = HTTP_CONN_REPLYING;
	if (!http_conn_push(c, head, body))
		return;
	size_t left = c->out.n - c->out_at;
	if (left == 0) {
		http_conn_finish_reply(c);
		return;
	}
	usec_t patience = (usec_t)(left / REPLY_BYTES_PER_SECOND) * USEC_PER_SEC;
	http_server_set_deadline(c, c->server->o.body_timeout_us + patience);
	http_conn_watch(c);
}

static void on_writable(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct http_conn *c = arg;
	struct str rest = after(strbuf_str(&c->out), c->out_at);
	ssize_t n = put(c, rest, STR_NONE);
	if (n < 0)
		return;
	c->out_at += (size_t)n;
	if (c->state == HTTP_CONN_SENDING)
		http_stream_wrote(c, (size_t)n);
	else if (c->out_at == c->out.n && c->state == HTTP_CONN_REPLYING)
		http_conn_finish_reply(c);
	else
		http_conn_watch(c);
}

const char *http_conn_persistence(const struct http_conn *c)
{
	if (!c->keeps_alive)
		return "close";
	return c->is_1_1 ? NULL : "keep-alive";
}

void http_conn_refuse(struct http_conn *c, struct http_fault fault)
{
	struct http_server *s = c->server;
	struct strbuf body;
	int64_t left_out;
	char id[HTTP_REQUEST_ID_SIZE] = "";
	struct str sent_id =
		c->request ? http_request_header(c->request, "X-Request-Id") : STR_NONE;
	bool is_head = c->request && c->request->head.method == HTTP_HEAD;
	strbuf_init(&body, HTTP_READ_SIZE);
	s->o.problem(&(struct http_violation){ fault.status, fault.code, fault.detail, sent_id },
		     &body, id, s->o.arg);
	if (http_gate_is_open(&s->refusal_gate, loop_mono(s->loop), &left_out))
		log_info("http_refused", LS("peer", c->peer), LI("status", fault.status),
			 LS("reason", fault.detail), LS("request_id", id),
			 LI("left_out", left_out));
	http_request_free(c->request);
	c->request = NULL;
	c->keeps_alive = false;
	struct http_reply_field id_field = { .name = STR("X-Request-Id"), .value = str_from(id) };
	struct str head = http_render_head(
		s, &(struct http_reply_head){ .status = fault.status,
					      .content_type = "application/problem+json",
					      .length = body.n,
					      .connection = "close",
					      .fields = id[0] == '\0' ? NULL : &id_field });
	http_conn_send(c, head, is_head ? STR_NONE : strbuf_str(&body));
	strbuf_deinit(&body);
}

/* --- reading ------------------------------------------------------------------------------ */

struct str http_conn_pending(const struct http_conn *c)
{
	return after(strbuf_str(&c->in), c->in_at);
}

void http_conn_consume(struct http_conn *c, size_t n)
{
	c->in_at += n;
	if (c->in_at == c->in.n) {
		strbuf_reset(&c->in);
		c->in_at = 0;
	}
}

void http_conn_dispatch(struct http_conn *c, enum http_conn_state state)
{
	struct http_server *s = c->server;
	struct http_request *r = c->request;
	c->state = state;
	http_server_set_deadline(c, USEC_NEVER);
	list_push_back(&s->requests, &r->node);
	s->o.handler(r, s->o.arg);
}

/* The head is whole: judge it before anything of the body is read. */
static bool take_head(struct http_conn *c, size_t size)
{
	struct http_request *r = http_request_new(c);
	struct str block = arena_str(r->arena, (struct str){ http_conn_pending(c).p, size });
	http_conn_consume(c, size);
	c->line_at = 0;
	c->request = r;
	struct http_fault fault = http_head_parse(block, r->arena, &r->head);
	const struct http_server_options *o = &c->server->o;
	bool has_body = r->head.is_chunked || r->head.content_length;
	if (!fault.status && has_body && o->stream_max)
		r->stream_max = o->stream_max(r, o->arg);
	if (!fault.status && r->head.content_length > (r->stream_max ? r->stream_max : o->max_body))
		fault = (struct http_fault){ 413, "payload_too_large", "the body is too large" };
	if (fault.status) {
		http_conn_refuse(c, fault);
		return false;
	}
	if (c->is_proxy) {
		char client[INET6_ADDRSTRLEN];
		http_forwarded_client(&r->head, o->proxies, c->peer, client);
		r->peer = arena_str(r->arena, str_from(client));
	}
	c->is_1_1 = r->head.is_1_1;
	c->keeps_alive = r->head.wants_keep_alive;
	if (has_body)
		http_body_begin(c);
	else
		http_conn_dispatch(c, HTTP_CONN_BUSY);
	return true;
}

/* Empty lines before a request are left over from sloppy clients (RFC 9112, section 2.2). */
static void skip_empty_lines(struct http_conn *c)
{
	while (c->line_at == 0 && str_starts(http_conn_pending(c), STR("\r\n")))
		http_conn_consume(c, 2);
}

static bool read_head(struct http_conn *c)
{
	const struct http_server_options *o = &c->server->o;
	size_t size = 0;
	skip_empty_lines(c);
	struct str in = http_conn_pending(c);
	if (in.n == 0 || str_eq(in, STR("\r"))) {
		if (c->is_eof)
			http_conn_kill(c);
		return false;
	}
	if (c->is_idle) {
		c->is_idle = false;
		http_server_set_deadline(c, o->header_timeout_us);
	}
	enum http_scan scan = http_head_scan(in, &c->line_at, &size);
	if (scan == HTTP_SCAN_BAD) {
		http_conn_refuse(c, (struct http_fault){ 400, "malformed_request",
							 "this is not an HTTP/1.1 request" });
		return false;
	}
	if (size > o->max_headers || (scan == HTTP_SCAN_MORE && in.n > o->max_headers)) {
		http_conn_refuse(
			c, (struct http_fault){ 431, "headers_too_large",
						"the request line and headers are too large" });
		return false;
	}
	if (scan == HTTP_SCAN_COMPLETE)
		return take_head(c, size);
	if (c->is_eof)
		http_conn_kill(c);
	return false;
}

static bool step(struct http_conn *c)
{
	switch (c->state) {
	case HTTP_CONN_HEAD:
		return read_head(c);
	case HTTP_CONN_BODY:
		return http_body_take(c);
	case HTTP_CONN_STREAM:
		return http_body_give(c);
	case HTTP_CONN_BUSY:
	case HTTP_CONN_SENDING:
	case HTTP_CONN_REPLYING:
	case HTTP_CONN_LINGER:
	case HTTP_CONN_DEAD:
	case HTTP_CONN_STATE_COUNT:
		break;
	}
	return false;
}

/* Works off the input: one request after the other, as far as the answers allow, and no more in
 * one turn than the other connections can wait for. */
static void advance(struct http_conn *c)
{
	bool moves = true;
	c->is_advancing = true;
	for (int i = 0; moves && i < STEPS_PER_TURN; i++)
		moves = step(c);
	c->is_advancing = false;
	if (c->state == HTTP_CONN_DEAD)
		return;
	/* All of it went into the body: a client that sends no more of that now holds no piece. */
	if (c->state == HTTP_CONN_BODY && c->in.n == c->in_at && c->in.cap > IDLE_BUFFER_MAX) {
		strbuf_deinit(&c->in);
		c->in_at = 0;
	}
	http_conn_watch(c);
	if (moves)
		event_active(c->readable, EV_READ, 0);
}

static void receive(struct http_conn *c)
{
	struct http_server *s = c->server;
	if (c->in_at) {
		c->in.n -= c->in_at;
		memmove(c->in.p, c->in.p + c->in_at, c->in.n);
		c->in_at = 0;
	}
	size_t most = input_max(c);
	if (c->in.n >= most || c->is_eof)
		return;
	size_t room = min_size(most - c->in.n, sizeof(s->scratch));
	ssize_t n = recv(c->fd, s->scratch, room, 0);
	if (n > 0) {
		strbuf_add_bytes(&c->in, s->scratch, (size_t)n);
	} else if (n == 0) {
		c->is_eof = true;
		if (c->state == HTTP_CONN_BUSY || c->state == HTTP_CONN_SENDING)
			tell_gone(c->request);
	} else if (errno != EAGAIN && errno != EINTR) {
		http_conn_kill(c);
	}
}

static void discard(struct http_conn *c)
{
	ssize_t n = recv(c->fd, c->server->scratch, HTTP_READ_SIZE, 0);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		http_conn_kill(c);
}

static void on_readable(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct http_conn *c = arg;
	if (c->state == HTTP_CONN_LINGER) {
		discard(c);
		return;
	}
	receive(c);
	if (c->state != HTTP_CONN_DEAD)
		advance(c);
}

/* --- the ends ----------------------------------------------------------------------------- */

static bool is_quiet(const struct http_conn *c)
{
	return c->state == HTTP_CONN_HEAD && http_conn_pending(c).n == 0;
}

void http_conn_drain(struct http_conn *c)
{
	char byte;
	if (is_quiet(c) && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
		http_conn_kill(c);
}

void http_conn_on_deadline(struct http_conn *c)
{
	static const struct http_fault late = { 408, "request_timeout",
						"the request did not arrive in time" };
	bool is_waiting = c->state == HTTP_CONN_HEAD || c->state == HTTP_CONN_BODY;
	if (is_waiting && !is_quiet(c))
		http_conn_refuse(c, late);
	else if (c->state == HTTP_CONN_STREAM)
		http_body_fail(c, late);
	else
		http_conn_kill(c);
}

struct http_conn *http_conn_open(struct http_server *s, int fd, struct http_address *address,
				 const char *peer)
{
	struct http_conn *c = xcalloc(1, sizeof(*c));
	struct event_base *base = loop_base(s->loop);
	c->server = s;
	c->fd = fd;
	c->address = address;
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	ASSERT(c->readable && c->writable); /* fails for lack of memory only */
	strbuf_init(&c->in, s->o.max_headers + HTTP_READ_SIZE);
	strbuf_init(&c->out, SIZE_MAX / 2);
	memcpy(c->peer, peer, min_size(strlen(peer), sizeof(c->peer) - 1));
	/* an answer leaves in one piece or is flushed at once: waiting to fill segments only adds
	 * the peer's delayed acknowledgement */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	http_server_conn_opened(c);
	http_server_set_deadline(c, s->o.header_timeout_us);
	http_conn_watch(c);
	return c;
}
