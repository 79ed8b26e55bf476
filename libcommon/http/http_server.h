/* HTTP/1.1 for strangers, on libevent's listener and events: limits, absolute deadlines, framing
 * judged before anything else. Not on evhttp: it stops reading while a handler works, so that a
 * client that went is not noticed; it answers violations itself, in HTML; and it has no hook for a
 * connection's address and end, which the caps need.
 *
 * Rules (RFC 9112, its strict side): lines end in CRLF; header names are tokens; exactly one Host;
 * at most one all-digit Content-Length; Transfer-Encoding only `chunked`, once, never with
 * Content-Length, never on HTTP/1.0; the path begins with `/` and once decoded has no NUL, control
 * byte, `//` or `..`. A violation is answered once (400, 408, 413, 431, 501, 503) and the
 * connection closed, after the client had time to read the answer. Headers within 10 s, a body
 * within 30 s, keep-alive idle 30 s; an answer is taken at 16 KiB/s or faster, after body_timeout.
 * A cap on connections in all and per address; at the cap the listener pauses, over an address's
 * own its connections are closed. One request of a connection at a time.
 *
 * The handler gets each well-framed request with its whole body. It answers exactly once, at any
 * later time, through http_reply; when the client has gone the reply is dropped in silence.
 * http_request_on_gone tells a handler that waits, also when the client only stopped sending: it
 * may still read, so an answer is tried. A request stays valid until it is answered. */
#ifndef BELFRY_HTTP_HTTP_SERVER_H
#define BELFRY_HTTP_HTTP_SERVER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "loop/loop.h"

struct http_server;
struct http_request;

enum http_method {
	HTTP_GET = 0,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_METHOD_COUNT
};

typedef void (*http_handler_fn)(struct http_request *r, void *arg);
/* Framing and limit violations are answered by the server itself; this renders the body of such
 * an answer (status, code such as "payload_too_large", detail), so that every error has the API's
 * form. */
typedef void (*http_problem_fn)(int status, const char *code, const char *detail,
				struct strbuf *body, void *arg);

struct http_server_options {
	const char *bind;    /* "127.0.0.1" or "0.0.0.0" */
	int port;            /* 0 = any free one */
	size_t max_headers;  /* 16 KiB */
	size_t max_body;     /* 8 MiB */
	size_t max_buffered; /* of all bodies being held; 0 = 256 MiB. Over it: 503 */
	int max_connections;
	int max_per_address; /* 0 = no cap of its own */
	usec_t header_timeout_us, body_timeout_us, idle_timeout_us;
	http_handler_fn handler;
	http_problem_fn problem;
	void *arg; /* of both */
};

struct err http_server_open(struct loop *l, const struct http_server_options *o,
			    struct http_server **out) MUST_USE;
int http_server_port(const struct http_server *s);
void http_server_stop_accepting(struct http_server *s);    /* drain: no new connection */
size_t http_server_in_flight(const struct http_server *s); /* requests not yet answered */
void http_server_close(struct http_server *s);

enum http_method http_request_method(const struct http_request *r);
struct str http_request_path(const struct http_request *r); /* decoded, without the query */
struct str http_request_uri(const struct http_request *r);  /* as sent */
/* Decoded query parameter; STR_NONE when absent. Lives in the request's arena. */
struct str http_request_query(struct http_request *r, const char *name);
/* Calls fn for each query parameter in order (name and value decoded). */
void http_request_each_query(struct http_request *r,
			     void (*fn)(struct str name, struct str value, void *arg), void *arg);
struct str http_request_header(const struct http_request *r, const char *name); /* STR_NONE */
struct str http_request_body(const struct http_request *r);
struct str http_request_peer(const struct http_request *r); /* address text */
struct arena *http_request_arena(struct http_request *r);   /* freed with the request */
void *http_request_user(const struct http_request *r);      /* the handler's own pointer */
void http_request_set_user(struct http_request *r, void *user);
bool http_request_is_gone(const struct http_request *r); /* no answer can reach the client */
void http_request_on_gone(struct http_request *r, loop_fn fn, void *arg);

void http_reply_header(struct http_request *r, const char *name, const char *value);
/* content_type NULL = none. The body is copied or moved; r is gone afterwards. */
void http_reply(struct http_request *r, int status, const char *content_type, struct str body);

#endif
