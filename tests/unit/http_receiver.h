/* Receivers of requests, most of them hostile, and a desk with a client and what it was told. Both
 * run on the same loop. */
#ifndef BELFRY_TESTS_HTTP_RECEIVER_H
#define BELFRY_TESTS_HTTP_RECEIVER_H

#include "http/http_client.h"
#include "http_peer.h"

#define MS USEC_PER_MS
#define KB ((size_t)1024)
#define OK200 "HTTP/1.1 200 OK\r\n"
#define PEERS_MAX 400

enum ending {
	THEN_HOLD = 0, /* says its text and keeps the connection open */
	THEN_CLOSE,    /* says its text and closes */
	THEN_RESET,    /* says its text and resets */
	RESET_AT_ONCE, /* resets before it was asked anything */
	THEN_DRIP,     /* says its text, then a byte every 20 ms for ever */
	THEN_FLOOD     /* says its text, then its filler as fast as it is taken, for ever */
};

struct receiver {
	struct loop *loop;
	struct evconnlistener *listener;
	int port;
	const char *text, *filler;
	enum ending ending;
	struct http_peer *peers[PEERS_MAX];
	bool answered[PEERS_MAX];
	size_t n_peers;
	struct timer *tick;
};

struct receiver *receiver_open(struct loop *l, const char *text, enum ending ending);
void receiver_close(struct receiver *r);
void receiver_url(const struct receiver *r, const char *scheme, char out[64]);

struct desk {
	struct loop *loop;
	struct http_client *client;
	struct address_policy *policy;
	size_t n_done;
	struct http_answer last;
	char retry_after[256], excerpt[4096], peer[64];
	size_t n_excerpt;
};

extern const struct http_client_options desk_defaults;

struct desk *desk_open(struct http_client_options o, const char *cidrs);
void desk_close(struct desk *d);
void desk_done(const struct http_answer *a, void *desk);
bool desk_is_done(void *desk);
struct err desk_post(struct desk *d, const char *url);
void desk_post_and_wait(struct desk *d, const char *url);

#endif
