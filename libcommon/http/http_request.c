/* What a handler sees of a request, and the rendering of its answer. */
#include <string.h>

#include "http/http_internal.h"

#define REPLY_HEAD_MAX ((size_t)64 * 1024)

/* Arenas are kept for the next request: most requests fit in their first chunk. */
static struct arena *take_arena(struct http_server *s)
{
	return s->n_spare ? s->spare[--s->n_spare] : arena_new();
}

static void give_arena(struct http_server *s, struct arena *a)
{
	if (!s || s->n_spare == HTTP_SPARE_ARENAS) {
		arena_free(a);
		return;
	}
	arena_reset(a);
	s->spare[s->n_spare++] = a;
}

struct http_request *http_request_new(struct http_conn *c)
{
	struct arena *a = take_arena(c->server);
	struct http_request *r = arena_alloc(a, sizeof(*r));
	r->server = c->server;
	r->conn = c;
	r->arena = a;
	r->fields_end = &r->fields;
	r->peer = arena_str(a, str_from(c->peer));
	strbuf_init(&r->body, c->server->o.max_body);
	return r;
}

void http_request_free(struct http_request *r)
{
	if (!r)
		return;
	struct http_server *s = r->server;
	if (s) {
		list_remove(&s->requests, &r->node);
		s->n_buffered -= r->body.n;
	}
	strbuf_deinit(&r->body);
	give_arena(s, r->arena);
}

enum http_method http_request_method(const struct http_request *r)
{
	return r->head.method;
}

struct str http_request_path(const struct http_request *r)
{
	return r->head.path;
}

struct str http_request_uri(const struct http_request *r)
{
	return r->head.uri;
}

struct str http_request_query(struct http_request *r, const char *name)
{
	struct str rest = r->head.query, wanted = str_from(name), got, value;
	while (http_query_next(&rest, r->arena, &got, &value)) {
		if (str_eq(got, wanted))
			return value;
	}
	return STR_NONE;
}

void http_request_each_query(struct http_request *r,
			     void (*fn)(struct str name, struct str value, void *arg), void *arg)
{
	struct str rest = r->head.query, name, value;
	while (http_query_next(&rest, r->arena, &name, &value))
		fn(name, value, arg);
}

struct str http_request_header(const struct http_request *r, const char *name)
{
	return http_head_field(&r->head, str_from(name));
}

struct str http_request_body(const struct http_request *r)
{
	return strbuf_str(&r->body);
}

struct str http_request_peer(const struct http_request *r)
{
	return r->peer;
}

struct arena *http_request_arena(struct http_request *r)
{
	return r->arena;
}

bool http_request_is_gone(const struct http_request *r)
{
	return !r->conn;
}

void http_request_on_gone(struct http_request *r, loop_fn fn, void *arg)
{
	r->gone = fn;
	r->gone_arg = arg;
}

/* --- the answer --------------------------------------------------------------------------- */

static const struct {
	int status;
	const char *reason;
} REASONS[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

static const char *reason_of(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(REASONS); i++) {
		if (REASONS[i].status == status)
			return REASONS[i].reason;
	}
	return "Status"; /* nobody reads it, but a word must stand there */
}

static bool status_has_body(int status)
{
	return status >= 200 && status != 204 && status != 304;
}

static void add_field(struct strbuf *b, struct str name, struct str value)
{
	strbuf_add(b, name);
	strbuf_add(b, STR(": "));
	strbuf_add(b, value);
	strbuf_add(b, STR("\r\n"));
}

struct str http_render_head(struct http_server *s, const struct http_reply_head *h)
{
	struct strbuf *b = &s->head;
	if (!b->max)
		strbuf_init(b, REPLY_HEAD_MAX);
	strbuf_reset(b);
	strbuf_add(b, STR("HTTP/1.1 "));
	strbuf_add_i64(b, h->status);
	strbuf_add_c(b, ' ');
	strbuf_add(b, str_from(reason_of(h->status)));
	strbuf_add(b, STR("\r\n"));
	add_field(b, STR("Date"), str_from(http_server_date(s)));
	if (h->content_type)
		add_field(b, STR("Content-Type"), str_from(h->content_type));
	if (h->is_chunked)
		add_field(b, STR("Transfer-Encoding"), STR("chunked"));
	if (status_has_body(h->status) && !h->has_no_length) {
		strbuf_add(b, STR("Content-Length: "));
		strbuf_add_i64(b, (int64_t)h->length);
		strbuf_add(b, STR("\r\n"));
	}
	if (h->connection)
		add_field(b, STR("Connection"), str_from(h->connection));
	for (const struct http_reply_field *f = h->fields; f; f = f->next)
		add_field(b, f->name, f->value);
	strbuf_add(b, STR("\r\n"));
	/* names and values are our own and bounded where they were made */
	ASSERT(!strbuf_overflowed(b));
	return strbuf_str(b);
}

/* A value may quote what a caller sent: a line break in it must not begin a line of ours. */
void http_reply_header(struct http_request *r, const char *name, const char *value)
{
	struct http_reply_field *f = arena_alloc(r->arena, sizeof(*f));
	char *text = arena_cstr(r->arena, str_from(value));
	for (char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	}
	f->name = arena_str(r->arena, str_from(name));
	f->value = str_from(text);
	*r->fields_end = f;
	r->fields_end = &f->next;
}

void http_reply(struct http_request *r, int status, const char *content_type, struct str body)
{
	struct http_conn *c = r->conn;
	if (c) {
		struct http_server *s = r->server;
		if (!s->listener || c->state == HTTP_CONN_STREAM)
			c->keeps_alive = false; /* draining, or the body was not read to its end */
		struct str head = http_render_head(
			s, &(struct http_reply_head){ .status = status,
						      .content_type = content_type,
						      .length = body.n,
						      .connection = http_conn_persistence(c),
						      .fields = r->fields });
		bool is_sent = r->head.method != HTTP_HEAD && status_has_body(status);
		c->request = NULL;
		http_conn_send(c, head, is_sent ? body : STR_NONE);
	}
	http_request_free(r);
}
