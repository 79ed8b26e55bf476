/* What is known of the endpoints whose deliveries wait here stays fresh: a change of the URL, of the
 * secrets or of the status holds for the requests that begin after it. Each claim brings what its
 * endpoints are like; those that wait longer without one are asked about once a second, and at once
 * when the senders are woken. Nothing is sent on knowledge older than the lease of a sender. */
#ifndef BELFRY_WEBHOOK_SENDER_REFRESH_H
#define BELFRY_WEBHOOK_SENDER_REFRESH_H

#include "loop/loop.h"

struct app;
struct endpoint;

#define REFRESH_EVERY_US USEC_PER_SEC
#define REFRESH_MIN_US (100 * USEC_PER_MS)
#define REFRESH_PAGE 256

struct refresh {
	struct timer *timer;
	bool is_asking, is_woken;
	usec_t mono_before;     /* of this round: what was read before is read again */
	usec_t mono_not_before; /* of the next round */
};

void refresh_start(struct app *app);
void refresh_deinit(struct app *app);
/* Something may have changed: asks again about all that wait. */
void refresh_wake(struct app *app);
/* Whether what is known of it is fresh enough to send. */
bool refresh_is_fresh(const struct app *app, const struct endpoint *ep);

#endif
