/* The SIP end of this process: sockets, DNS, TLS, and which dialog a message belongs to.
 *
 * One listening address carries UDP and TCP. TLS is per peer: each (CA, host to verify) has a stack of
 * its own, so that a connection which was verified for one host never carries another's calls. */
#ifndef DIALER_SIP_UA_H
#define DIALER_SIP_UA_H

#include "base/err.h"
#include "loop/loop.h"

struct ua;
struct leg;

struct ua_options {
	const char *listen; /* "ip:port", the port 0 for any; 0.0.0.0 takes the default route's */
	const char *advertise; /* address that peers are told; empty = the one that is bound */
	const char *dns;       /* "ip:port[,...]"; empty = the system's servers */
	/* Special-purpose addresses that packets may go to all the same: "10.0.0.0/8,..." */
	const char *allow;
};

struct ua_tls {
	const char *ca;   /* PEM; NULL or empty = the system's authorities */
	const char *host; /* what the certificate must name */
};

struct err ua_open(struct loop *l, const struct ua_options *o, struct ua **out) MUST_USE;
void ua_close(struct ua *u);                /* all legs must be gone or detached */
const char *ua_address(const struct ua *u); /* advertised, without port */
int ua_port(const struct ua *u);

/* The answer to an OPTIONS. */
struct ua_pong {
	int status;          /* 0 = none came */
	const char *failure; /* why, a literal; NULL otherwise */
};
typedef void (*ua_pong_fn)(const struct ua_pong *p, void *arg);
struct ua_ping;
struct ua_ping_options {
	const char *uri;             /* "sip:host[:port];transport=tcp" */
	const struct ua_tls *tls;    /* NULL = UDP or TCP */
	const char *user, *password; /* shown when asked for; NULL = none */
	ua_pong_fn fn;
	void *arg;
};
/* One that was freed answers nothing. */
struct err ua_ping_new(struct ua *u, const struct ua_ping_options *o,
		       struct ua_ping **out) MUST_USE;
void ua_ping_free(struct ua_ping *p);

#endif
