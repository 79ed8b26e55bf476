/* Bodies: read whole before the handler sees the request, or handed to it piece by piece. */
#include "base/mem.h"
#include "http/http_internal.h"

#define LEAST_BYTES_PER_SECOND 16384

static const struct http_fault too_large = { 413, "payload_too_large", "the body is too large" };
static const struct http_fault not_chunked = { 400, "malformed_request",
					       "the chunked body is not well-formed" };

/* --- patience ----------------------------------------------------------------------------- */

void http_patience_init(struct http_conn *c)
{
	c->patience_us = c->server->o.body_timeout_us;
	c->mono_waits = 0;
}

void http_patience_wait(struct http_conn *c)
{
	if (c->mono_waits)
		return;
	c->mono_waits = loop_mono(c->server->loop);
	http_server_set_deadline(c, c->patience_us);
}

void http_patience_earn(struct http_conn *c, size_t n)
{
	usec_t earned = (usec_t)n * USEC_PER_SEC / LEAST_BYTES_PER_SECOND;
	if (c->mono_waits)
		c->patience_us -= loop_mono(c->server->loop) - c->mono_waits;
	c->mono_waits = 0;
	c->patience_us = max_i64(c->patience_us, 0) + earned;
	if (c->patience_us > c->server->o.body_timeout_us)
		c->patience_us = c->server->o.body_timeout_us;
	http_server_set_deadline(c, USEC_NEVER);
}

/* --- the next piece, however it is framed ------------------------------------------------- */

/* The bytes given stay where they are until http_conn_consume or more input moves them. MORE
 * without data: nothing came yet. */
static enum http_scan next_chunk(struct http_conn *c, struct str *data)
{
	enum http_scan scan = HTTP_SCAN_MORE;
	*data = STR_NONE;
	while (scan == HTTP_SCAN_MORE && data->n == 0 && http_conn_pending(c).n) {
		size_t used;
		scan = http_chunked_next(&c->chunked, http_conn_pending(c), &used, data);
		c->in_at += used;
	}
	return scan;
}

static enum http_scan next_counted(struct http_conn *c, struct str *data)
{
	*data = http_conn_pending(c);
	if (data->n > c->body_left)
		data->n = (size_t)c->body_left;
	c->body_left -= data->n;
	c->in_at += data->n;
	return c->body_left ? HTTP_SCAN_MORE : HTTP_SCAN_COMPLETE;
}

static enum http_scan next_piece(struct http_conn *c, struct str *data)
{
	return c->request->head.is_chunked ? next_chunk(c, data) : next_counted(c, data);
}

/* --- whole -------------------------------------------------------------------------------- */

static void ask_to_continue(struct http_conn *c)
{
	if (c->request->head.expects_continue && http_conn_pending(c).n == 0)
		(void)http_conn_push(c, STR("HTTP/1.1 100 Continue\r\n\r\n"),
				     STR_NONE); /* dead: seen */
}

void http_body_begin(struct http_conn *c)
{
	const struct http_request *r = c->request;
	c->chunked = (struct http_chunked){ .state = 0 };
	c->body_left = r->head.content_length;
	c->body_size = 0;
	if (r->stream_max) {
		http_patience_init(c);
		http_conn_dispatch(c, HTTP_CONN_STREAM);
		return;
	}
	c->state = HTTP_CONN_BODY;
	http_server_set_deadline(c, c->server->o.body_timeout_us);
	ask_to_continue(c);
}

/* False when it does not fit, and that was answered. */
static bool add_to_body(struct http_conn *c, struct str data)
{
	struct http_server *s = c->server;
	struct http_request *r = c->request;
	if (data.n > s->o.max_body - r->body.n) {
		http_conn_refuse(c, too_large);
		return false;
	}
	if (data.n > s->o.max_buffered - s->n_buffered) {
		http_conn_refuse(c, (struct http_fault){ 503, "overloaded",
							 "too many large requests at a time" });
		return false;
	}
	strbuf_add(&r->body, data);
	s->n_buffered += data.n;
	return true;
}

bool http_body_take(struct http_conn *c)
{
	struct str data;
	enum http_scan scan;
	do {
		scan = next_piece(c, &data);
		if (data.n && !add_to_body(c, data))
			return false;
		http_conn_consume(c, 0);
	} while (scan == HTTP_SCAN_MORE && http_conn_pending(c).n);
	if (scan == HTTP_SCAN_BAD) {
		http_conn_refuse(c, not_chunked);
		return false;
	}
	if (scan == HTTP_SCAN_COMPLETE) {
		http_conn_dispatch(c, HTTP_CONN_BUSY);
		return true;
	}
	if (c->is_eof)
		http_conn_kill(c);
	return false;
}

/* --- piece by piece ----------------------------------------------------------------------- */

static void give(struct http_conn *c, const struct http_body *b)
{
	struct http_request *r = c->request;
	http_body_fn fn = r->body_fn;
	r->body_fn = NULL;
	if (fn)
		fn(r, b, r->body_arg);
}

void http_body_fail(struct http_conn *c, struct http_fault fault)
{
	http_patience_earn(c, 0);
	give(c, &(struct http_body){ .event = HTTP_BODY_FAILED,
				     .status = fault.status,
				     .code = fault.code,
				     .detail = fault.detail });
}

/* A body that ended with the piece given last: the next ask hears of the end. */
static bool has_ended(const struct http_conn *c)
{
	return !c->request->head.is_chunked && c->body_left == 0;
}

bool http_body_give(struct http_conn *c)
{
	struct str data = STR_NONE;
	const struct http_request *r = c->request;
	if (!r->body_fn)
		return false;
	enum http_scan scan = has_ended(c) ? HTTP_SCAN_COMPLETE : next_piece(c, &data);
	c->body_size += data.n;
	if (scan == HTTP_SCAN_BAD) {
		http_body_fail(c, not_chunked);
	} else if (c->body_size > r->stream_max) {
		http_body_fail(c, too_large);
	} else if (data.n) {
		http_patience_earn(c, data.n);
		give(c, &(struct http_body){ .event = HTTP_BODY_DATA, .data = data });
	} else if (scan == HTTP_SCAN_COMPLETE) {
		http_patience_earn(c, 0);
		c->state = HTTP_CONN_BUSY;
		give(c, &(struct http_body){ .event = HTTP_BODY_END });
	} else {
		if (c->is_eof)
			http_conn_kill(c);
		else
			http_patience_wait(c);
		return false;
	}
	if (c->state == HTTP_CONN_DEAD)
		return false;
	http_conn_consume(c, 0); /* what was borrowed is not any more */
	return true;
}

bool http_request_is_streamed(const struct http_request *r)
{
	return r->conn && r->conn->state == HTTP_CONN_STREAM;
}

void http_body_read(struct http_request *r, http_body_fn fn, void *arg)
{
	struct http_conn *c = r->conn;
	if (!c)
		return;
	ASSERT(c->state == HTTP_CONN_STREAM && !r->body_fn);
	r->body_fn = fn;
	r->body_arg = arg;
	if (c->body_size == 0) {
		ask_to_continue(c);
		r->head.expects_continue = false;
		if (c->state == HTTP_CONN_DEAD)
			return;
	}
	if (!c->is_advancing)
		event_active(c->readable, EV_READ, 0);
}
