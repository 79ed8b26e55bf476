/* A server under test whose handler answers at once, or holds requests until the test answers. */
#ifndef BELFRY_TESTS_HTTP_SITE_H
#define BELFRY_TESTS_HTTP_SITE_H

#include "base/list.h"
#include "http/http_server.h"
#include "http_peer.h"

#define MS USEC_PER_MS
#define KB ((size_t)1024)
#define H "Host: belfry.test\r\n"
#define GET "GET / HTTP/1.1\r\n" H

struct site {
	struct loop *loop;
	struct http_server *server;
	int port;
	bool holds;       /* the handler keeps requests instead of answering */
	struct list held; /* struct held, in order */
	size_t n_handled, n_gone;
	size_t body_size; /* of each answer; 0 = an echo */
	int status;
	struct str last_body; /* copies */
	char last_path[64];
};

struct held {
	struct list_node node;
	struct site *site;
	struct http_request *request;
};

/* Small limits, long deadlines. */
extern const struct http_server_options site_defaults;

struct site *site_open(struct http_server_options o);
void site_close(struct site *s);
void site_problem(const struct http_violation *v, struct strbuf *body,
		  char request_id[HTTP_REQUEST_ID_SIZE], void *arg);
void site_answer_first(struct site *s); /* of the requests that are held */

/* Connects and sends. */
struct http_peer *site_ask(struct site *s, const char *text);
/* From now on requests are held; sends and waits for the first of them. */
struct http_request *site_hold_one(struct site *s, struct http_peer *p, const char *text);
void peer_say_times(struct http_peer *p, const char *text, size_t n);
/* One answer of that status, in the form of problems, and the end. */
void expect_refusal(struct http_peer *p, int status, const char *code);

#endif
