/* Sends what waits: signs at that moment, posts, judges the answer. Endpoints take turns. Those
 * that have not answered quickly of late share half of the requests in flight, so that however
 * many of them hang, the others find room. */
#ifndef BELFRY_WEBHOOK_SENDER_SEND_H
#define BELFRY_WEBHOOK_SENDER_SEND_H

#include "base/base.h"
#include "base/list.h"

struct app;
struct endpoint;
struct send_request;

#define SEND_EXCERPT_MAX 2048

struct send {
	struct list quick, slow; /* endpoints with something that may be sent now */
	bool is_slow_next;
	bool is_deferred;
};

void send_init(struct send *s);
/* The endpoint's items, limit, gate or state changed: queues it if it can send. */
void send_ready(struct app *app, struct endpoint *ep);
void send_unready(struct app *app, struct endpoint *ep);
/* Looks at the queues at the end of this turn. */
void send_soon(struct app *app);

/* What a request on the wire borrows. Accepts NULL. */
void send_request_free(struct send_request *r);

#endif
