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
 * A cap on connections in all and per address, where no address gets more than half of what is left
 * for all; at the cap the listener pauses, over an address's own its connections are closed. One request of a connection at a time.
 *
 * The handler gets each well-framed request with its whole body, save where stream_max lets it read
 * the body in pieces, at its own pace: what it does not ask for stays with the client. It answers exactly once, at any
 * later time, through http_reply; when the client has gone the reply is dropped in silence.
 * http_request_on_gone tells a handler that waits, also when the client only stopped sending: it
 * may still read, so an answer is tried. A request stays valid until it is answered.
 *
 * Bodies read, and answers written, in pieces have no deadline of their own but a least pace of
 * 16 KiB/s: a client may make the handler wait for body_timeout in all, and 16 KiB earn one second
 * more, up to body_timeout. Time in which the handler did not ask does not count. */
#ifndef BELFRY_HTTP_HTTP_SERVER_H
#define BELFRY_HTTP_HTTP_SERVER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "loop/loop.h"
#include "sec/address.h"

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

#define HTTP_REQUEST_ID_SIZE 65

struct http_violation {
	int status;
	const char *code; /* "payload_too_large" */
	const char *detail;
	struct str
		request_id; /* the X-Request-Id that came with it; STR_NONE when not so much was read */
};

/* Framing and limit violations are answered by the server itself; this renders the body of such an
 * answer and gives its X-Request-Id ("" = none), so that every error has the API's form. */
typedef void (*http_problem_fn)(const struct http_violation *v, struct strbuf *body,
				char request_id[HTTP_REQUEST_ID_SIZE], void *arg);

/* The most bytes of this request's body, when its handler is to read it by itself; 0 when it is to
 * be read before. Only the head of the request is there to be looked at. */
typedef uint64_t (*http_stream_max_fn)(struct http_request *r, void *arg);

struct http_server_options {
	const char *bind;    /* "127.0.0.1" or "0.0.0.0" */
	int port;            /* 0 = any free one */
	size_t max_headers;  /* 16 KiB */
	size_t max_body;     /* 8 MiB */
	size_t max_buffered; /* of all bodies being held; 0 = 256 MiB. Over it: 503 */
	int max_connections;
	int max_per_address; /* 0 = no cap of its own; at most half of what is left, too */
	/* Those whose X-Forwarded-For counts and who may hold any number of connections; NULL = none,
	 * and X-Forwarded-For is not looked at. Outlives the server. */
	const struct address_policy *proxies;
	usec_t header_timeout_us, body_timeout_us, idle_timeout_us;
	http_handler_fn handler;
	http_problem_fn problem;
	http_stream_max_fn stream_max; /* NULL = no body is read in pieces */
	void *arg;                     /* of all three */
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
/* The client's address as text: the connection's, or who a trusted proxy says it was. */
struct str http_request_peer(const struct http_request *r);
struct arena *http_request_arena(struct http_request *r); /* freed with the request */
bool http_request_is_gone(const struct http_request *r);  /* no answer can reach the client */
void http_request_on_gone(struct http_request *r, loop_fn fn, void *arg);

/* --- in pieces ------------------------------------------------------------------------------ */

enum http_body_event {
	HTTP_BODY_DATA = 0, /* the next piece: 1 byte to 64 KiB and a little more */
	HTTP_BODY_END,      /* there is no more; only now can the connection be used again */
	HTTP_BODY_FAILED,   /* too slow, too large, not well-formed: answer with this problem */
	HTTP_BODY_EVENT_COUNT
};

struct http_body {
	enum http_body_event event;
	struct str data; /* borrowed until the callback returns or the request is answered */
	int status;      /* of a failure, with its code and what to say */
	const char *code, *detail;
};

typedef void (*http_body_fn)(struct http_request *r, const struct http_body *b, void *arg);

/* Whether the body is still to be read by http_body_read; one that is empty never is. */
bool http_request_is_streamed(const struct http_request *r);
/* Asks for the next piece: one callback, from the loop, and none once the request was answered or
 * the client has gone, which http_request_on_gone tells. */
void http_body_read(struct http_request *r, http_body_fn fn, void *arg);

/* Begins an answer whose length nobody knows yet. `drained` is called from the loop when all that
 * was written has left, and when the client has gone (see http_request_is_gone) and no callback
 * of http_request_on_gone waits to be told; the answer still has to be ended then. What is written before is held: the caller bounds it by
 * http_reply_unsent. */
void http_reply_begin(struct http_request *r, int status, const char *content_type, loop_fn drained,
		      void *arg);
void http_reply_write(struct http_request *r, struct str data);
size_t http_reply_unsent(const struct http_request *r);
/* The answer was whole, or it breaks off and the client is made to notice; r is gone afterwards. */
void http_reply_end(struct http_request *r);
void http_reply_abort(struct http_request *r);

/* --- at once -------------------------------------------------------------------------------- */

void http_reply_header(struct http_request *r, const char *name, const char *value);
/* content_type NULL = none. The body is copied or moved; r is gone afterwards. */
void http_reply(struct http_request *r, int status, const char *content_type, struct str body);

#endif
