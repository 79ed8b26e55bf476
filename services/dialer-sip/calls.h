/* The SIP carrier behind the desk: calls by attempt id, from the dial to the acknowledged end, over
 * the death of this process too. */
#ifndef DIALER_SIP_CALLS_H
#define DIALER_SIP_CALLS_H

#include "dial/desk.h"
#include "ua.h"

struct calls;

struct calls_options {
	struct ua *ua;
	struct journal *journal;
	struct metrics *metrics; /* all borrowed */
	const char *path;        /* of the file of calls; "" = none */
	const char *listen;      /* addresses of the slots */
};

/* Reads the file of calls and takes up again what stood in it. */
struct err calls_open(struct loop *l, const struct calls_options *o, struct calls **out) MUST_USE;
void calls_close(struct calls *cs);
struct desk *calls_desk(const struct calls *cs);

#endif
