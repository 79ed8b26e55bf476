/* Finds endpoints with due deliveries: adopts those that should be this sender's, heats its own,
 * buries what waits for endpoints that are disabled or gone, and gives up endpoints that should be
 * another's or have been idle. Looks every second, when it was woken, and when the earliest waiting
 * delivery falls due, but never more than a tenth of the time. */
#ifndef BELFRY_WEBHOOK_SENDER_FINDER_H
#define BELFRY_WEBHOOK_SENDER_FINDER_H

#include "base/base.h"
#include "base/uuid.h"
#include "loop/loop.h"

struct app;

#define FINDER_PAGE 500
#define FINDER_BURY_ENDPOINTS 8 /* whose ranges one unit buries */
#define FINDER_POLL_US USEC_PER_SEC
#define FINDER_MIN_US (20 * USEC_PER_MS)
#define FINDER_IDLE_US (60 * USEC_PER_SEC) /* after so long without work an endpoint is released */

struct finder {
	struct timer *timer;
	bool is_looking;
	/* Where the next pages begin: of those with rows in `delivery`, of those that ranges owe. */
	struct uuid after, owed_after_workspace, owed_after;
	bool is_rows_done, is_owed_done;
	usec_t mono_began_at, mono_not_before; /* of this look; of the next one */
	usec_t mono_armed_at;
	usec_t mono_next_due_at; /* the earliest delivery seen that waits */
	struct timer *release_timer;
	bool is_releasing;
};

void finder_start(struct app *app);
void finder_deinit(struct app *app);
/* Look soon. */
void finder_wake(struct app *app);
/* A delivery will be due then. */
void finder_expect(struct app *app, usec_t in_us);
/* An endpoint that leaves holds nothing any more: it is released soon. */
void finder_release(struct app *app);
/* Other senders came or went: endpoints that should be another's leave. */
void finder_rebalance(struct app *app);

#endif
