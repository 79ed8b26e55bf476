/* The other end of a connection, as rude as a test wants it: raw bytes on a loopback socket, driven
 * by the loop under test. Whatever happens to a peer stops the loop, so that `until` looks at its
 * condition again; callbacks of a test that change a condition call loop_stop themselves. */
#ifndef BELFRY_TESTS_HTTP_PEER_H
#define BELFRY_TESTS_HTTP_PEER_H

#include "check.h"

#include "loop/loop.h"

struct http_peer {
	struct loop *loop;
	int fd;
	struct event *readable, *writable;
	struct strbuf got, out;
	size_t out_at;
	bool is_closed; /* the other side ended it, in one way or the other */
	bool is_reset;
};

struct http_peer *peer_connect(struct loop *l, int port);
struct http_peer *peer_adopt(struct loop *l, int fd);
void peer_free(struct http_peer *p); /* closes */
void peer_send(struct http_peer *p, struct str bytes);
void peer_say(struct http_peer *p, const char *text);
void peer_stop_reading(struct http_peer *p);
void peer_go_on_reading(struct http_peer *p);
void peer_shutdown(struct http_peer *p); /* sends no more, still reads */
void peer_reset(struct http_peer *p);    /* closes with RST; p->fd is gone then */

/* Runs the loop until the condition holds; fails the test after ten seconds. */
void until(struct loop *l, bool (*holds)(void *arg), void *arg);
void until_got(struct http_peer *p, const char *text); /* it stands in what came */
void until_closed(struct http_peer *p);
/* Lets the loop work for that long: for what must not happen. */
void run_for(struct loop *l, usec_t us);

size_t peer_count(const struct http_peer *p, const char *text); /* occurrences in what came */
bool str_has(struct str s, const char *text);

#endif
