/* Answers in pieces: chunks for HTTP/1.1, until the connection's end for HTTP/1.0. What is written
 * goes out from the loop, never inside the call, so that a handler is not surprised by the end of
 * its connection in the middle of its work. */
#include <stdio.h>
#include <sys/socket.h>

#include "http/http_internal.h"

static bool is_head(const struct http_request *r)
{
	return r->head.method == HTTP_HEAD;
}

void http_reply_begin(struct http_request *r, int status, const char *content_type, loop_fn drained,
		      void *arg)
{
	struct http_conn *c = r->conn;
	if (!c)
		return; /* http_reply_unsent and the gone callback say so */
	struct http_server *s = r->server;
	if (!s->listener || !c->is_1_1 || c->state == HTTP_CONN_STREAM)
		c->keeps_alive = false;
	c->is_chunking = c->is_1_1;
	c->state = HTTP_CONN_SENDING;
	r->drained = drained;
	r->drained_arg = arg;
	http_patience_init(c);
	strbuf_add(&c->out, http_render_head(s, &(struct http_reply_head){
							.status = status,
							.content_type = content_type,
							.has_no_length = true,
							.is_chunked = c->is_chunking,
							.connection = http_conn_persistence(c),
							.fields = r->fields }));
	http_patience_wait(c);
	http_conn_watch(c);
}

void http_reply_write(struct http_request *r, struct str data)
{
	struct http_conn *c = r->conn;
	char size[24];
	if (!c || data.n == 0 || is_head(r))
		return;
	if (c->is_chunking) {
		int n = snprintf(size, sizeof(size), "%zx\r\n", data.n); /* 16 digits at most */
		strbuf_add_bytes(&c->out, size, (size_t)n);
	}
	strbuf_add(&c->out, data);
	if (c->is_chunking)
		strbuf_add(&c->out, STR("\r\n"));
	http_patience_wait(c);
	http_conn_watch(c);
}

size_t http_reply_unsent(const struct http_request *r)
{
	return r->conn ? r->conn->out.n - r->conn->out_at : 0;
}

void http_stream_wrote(struct http_conn *c, size_t n)
{
	struct http_request *r = c->request;
	http_patience_earn(c, n);
	if (c->out_at < c->out.n) {
		http_patience_wait(c);
		return;
	}
	strbuf_reset(&c->out);
	c->out_at = 0;
	http_conn_watch(c);
	if (r->drained)
		r->drained(r->drained_arg);
}

void http_reply_end(struct http_request *r)
{
	struct http_conn *c = r->conn;
	if (c) {
		c->request = NULL;
		c->state = HTTP_CONN_REPLYING;
		if (c->is_chunking && !is_head(r))
			strbuf_add(&c->out, STR("0\r\n\r\n"));
		if (c->out.n == c->out_at) {
			http_conn_finish_reply(c);
		} else {
			http_patience_wait(c);
			http_conn_watch(c);
		}
	}
	http_request_free(r);
}

/* With a reset: the end of the connection alone is how an answer to HTTP/1.0 ends well. */
void http_reply_abort(struct http_request *r)
{
	struct http_conn *c = r->conn;
	if (c) {
		struct linger now = { .l_onoff = 1, .l_linger = 0 };
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now,
				 sizeof(now)); /* at worst FIN */
		c->request = NULL;
		http_conn_kill(c);
	}
	http_request_free(r);
}
