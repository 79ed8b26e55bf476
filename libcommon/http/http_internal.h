/* What the server's own files share: http_server.c listens and counts, http_conn.c drives one
 * connection, http_body.c reads bodies, http_stream.c writes answers in pieces, http_request.c is
 * what a handler sees. Nobody else includes this.
 *
 * A connection's life:
 *
 *   accept ──► HEAD ──► BODY ──► BUSY ──► REPLYING ──► HEAD …     (no body: HEAD ──► BUSY)
 *               └─────────┴── violation ──► REPLYING ──► LINGER ──► DEAD
 *
 *   a body that its handler reads:      HEAD ──► STREAM ──► BUSY   (answered before: the end)
 *   an answer in pieces:                BUSY ──► SENDING ──► REPLYING
 *
 * One request at a time: the next one in the input is looked at when the answer has left. So a
 * client that pipelines and never reads holds one answer and one input buffer, no more. */
#ifndef BELFRY_HTTP_HTTP_INTERNAL_H
#define BELFRY_HTTP_HTTP_INTERNAL_H

#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "http/http_forwarded.h"
#include "http/http_framing.h"
#include "http/http_server.h"

#define HTTP_READ_SIZE ((size_t)64 * 1024)
#define HTTP_SPARE_ARENAS 64
#define HTTP_DATE_SIZE 64 /* more than it takes: so gcc need not be convinced */

/* At most one log line a second of a kind; the next one says how many were left out. */
struct http_gate {
	usec_t mono_next;
	int64_t left_out;
};

struct http_server {
	struct loop *loop;
	struct http_server_options o;
	int port;
	struct evconnlistener *listener; /* NULL once it stopped accepting */
	bool is_paused;                  /* at the cap, or out of descriptors */
	bool is_closed;
	struct timer *accept_again;
	struct timer *deadline_timer;
	usec_t mono_armed; /* what deadline_timer waits for */
	struct heap deadlines;
	struct list conns;
	struct list requests; /* handed out and not answered */
	struct map addresses; /* struct http_address by address, where there is a cap */
	size_t n_buffered;    /* bytes of bodies held */
	struct arena *spare[HTTP_SPARE_ARENAS];
	size_t n_spare;
	struct strbuf head; /* the answer's header section while it is made */
	int64_t date_s;     /* the second that `date` says */
	char date[HTTP_DATE_SIZE];
	struct http_gate refusal_gate, cap_gate, address_gate, accept_gate;
	char scratch[HTTP_READ_SIZE];
};

/* How many connections one address (IPv6: one /64) holds. */
struct http_address {
	struct uuid key; /* the sixteen bytes of the address */
	int n;
};

enum http_conn_state {
	HTTP_CONN_HEAD = 0,
	HTTP_CONN_BODY,
	HTTP_CONN_STREAM, /* handed out, its body still coming */
	HTTP_CONN_BUSY,
	HTTP_CONN_SENDING,
	HTTP_CONN_REPLYING,
	HTTP_CONN_LINGER,
	HTTP_CONN_DEAD,
	HTTP_CONN_STATE_COUNT
};

struct http_conn {
	struct http_server *server;
	struct list_node node;
	struct heap_node deadline;
	struct http_address *address; /* NULL without a cap */
	int fd;
	struct event *readable, *writable;
	enum http_conn_state state;
	bool is_reading, is_writing; /* which events are added */
	bool is_advancing;           /* the handler is called from inside http_conn_advance */
	bool is_eof;                 /* the client sends no more; it may still read */
	bool is_idle;                /* between requests */
	bool keeps_alive;            /* after the request at hand */
	bool is_1_1;
	bool is_proxy; /* a trusted one: its word about the client counts */
	struct strbuf in;
	size_t in_at; /* bytes of `in` that are done with */
	size_t line_at;
	struct strbuf out;
	size_t out_at;
	struct http_request *request; /* being read or answered */
	struct http_chunked chunked;
	uint64_t body_left;
	uint64_t body_size; /* of a body that is streamed, so far */
	/* Where a handler reads or writes in pieces: how long the client may still make it wait. Bytes
	 * that move earn more, so that an average pace is kept; see http_patience_*. */
	usec_t patience_us, mono_waits; /* mono_waits: since when; 0 = not now */
	bool is_chunking;               /* the pieces of an answer are chunks */
	char peer[INET6_ADDRSTRLEN];
};

struct http_reply_field {
	struct http_reply_field *next;
	struct str name, value;
};

struct http_request {
	struct http_server *server; /* NULL once it was closed */
	struct http_conn *conn;     /* NULL once the client has gone */
	struct list_node node;
	struct arena *arena; /* owns this struct, too */
	struct http_head head;
	struct strbuf body;
	struct str peer;
	loop_fn gone;
	void *gone_arg;
	struct http_reply_field *fields, **fields_end;
	uint64_t stream_max; /* 0 = the body is read before the handler sees it */
	http_body_fn body_fn;
	void *body_arg;
	loop_fn drained;
	void *drained_arg;
};

/* The header section of an answer. */
struct http_reply_head {
	int status;
	const char *content_type; /* NULL = none */
	size_t length;            /* of the body, also when it is not sent (HEAD) */
	bool has_no_length;       /* it comes in pieces */
	bool is_chunked;
	const char *connection; /* NULL = say nothing */
	const struct http_reply_field *fields;
};

/* http_server.c */
void http_server_set_deadline(struct http_conn *c, usec_t in_us); /* USEC_NEVER = none */
void http_server_conn_opened(struct http_conn *c);
void http_server_conn_closed(struct http_conn *c);
const char *http_server_date(struct http_server *s);
bool http_gate_is_open(struct http_gate *g, usec_t mono_now, int64_t *left_out);

/* http_conn.c */
struct http_conn *http_conn_open(struct http_server *s, int fd, struct http_address *address,
				 const char *peer);
/* Closes at once. The handler of an unanswered request is told that the client has gone. */
void http_conn_kill(struct http_conn *c);
void http_conn_on_deadline(struct http_conn *c);
/* Closes if nothing is being asked: not what is on its way, nor what is being answered. */
void http_conn_drain(struct http_conn *c);
/* Sends a complete answer and moves on: to the next request, or to the end. */
void http_conn_send(struct http_conn *c, struct str head, struct str body);
/* What the Connection header of the next answer says. */
const char *http_conn_persistence(const struct http_conn *c);
/* Waits for what the state can make use of. */
void http_conn_watch(struct http_conn *c);
/* Answers a violation, once, and ends the connection. */
void http_conn_refuse(struct http_conn *c, struct http_fault fault);
/* Hands the request out; `state` says whether its body is still to be streamed. */
void http_conn_dispatch(struct http_conn *c, enum http_conn_state state);
/* Input that was not looked at yet. */
struct str http_conn_pending(const struct http_conn *c);
void http_conn_consume(struct http_conn *c, size_t n);
/* Sends what the socket takes and keeps the rest; false when the connection is dead. */
bool http_conn_push(struct http_conn *c, struct str head, struct str body);
/* The answer has left. */
void http_conn_finish_reply(struct http_conn *c);

/* The account of a slow client: http_patience_wait when the other side has nothing to do but wait
 * for it, http_patience_earn when it moved n bytes. A client that stays below the least pace runs
 * out of it, and the deadline of the connection comes. */
void http_patience_init(struct http_conn *c);
void http_patience_wait(struct http_conn *c);
void http_patience_earn(struct http_conn *c, size_t n);

/* http_body.c: begins with the body after a head; takes more of it, the whole for the handler or
 * piece by piece (false: nothing more to be done now). */
void http_body_begin(struct http_conn *c);
bool http_body_take(struct http_conn *c);
bool http_body_give(struct http_conn *c);
void http_body_fail(struct http_conn *c, struct http_fault fault);

/* http_stream.c: n bytes of an answer in pieces have left. */
void http_stream_wrote(struct http_conn *c, size_t n);

/* http_request.c */
struct http_request *http_request_new(struct http_conn *c);
void http_request_free(struct http_request *r);
/* Into s->head; valid until the next call. */
struct str http_render_head(struct http_server *s, const struct http_reply_head *h);

#endif
