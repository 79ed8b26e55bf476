/* One request's way through the servers of a name (RFC 3263). libre tries them in order, and gives each
 * of them 32 s; here, one that stays silent while others are left is given SERVERS_WAIT_MS. Silent ones
 * are remembered for a while, and passed over by other requests while there are others. */
#ifndef DIALER_SIP_SERVERS_H
#define DIALER_SIP_SERVERS_H

#include "base/base.h"
#include "re_api.h"

#define SERVERS_WAIT_MS 3000
#define SERVERS_DEAD_MAX 32

struct ua;

struct servers {
	struct le le; /* linked while a request may look up names */
	struct ua *ua;
	size_t key;            /* the request's argument */
	size_t srv, addresses; /* still to be tried */
	struct sa peer;        /* who was asked last */
	usec_t mono_asked_at;  /* 0 = nobody, or has said something */
};

struct server_dead {
	struct sa at;
	usec_t mono_until;
};

/* Before the request is made; `arg` is what it is made with. */
void servers_begin(struct servers *v, struct ua *u, const void *arg);
void servers_end(struct servers *v);
/* In the handler before it is sent. EHOSTDOWN: pass this one over. */
int servers_ask(struct servers *v, const struct sa *dst);
/* True when the one before was given up without a word. */
bool servers_was_silent(const struct servers *v);
/* Something was heard of the one that was asked last. */
void servers_heard(struct servers *v);
/* What DNS found, from re_loop_on_servers(); `arg` is the ua. */
void servers_on_found(size_t key, bool is_srv, size_t n, void *arg);

#endif
