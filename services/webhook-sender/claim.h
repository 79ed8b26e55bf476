/* Claims due deliveries for hot endpoints, several in one unit, each up to its room. */
#ifndef BELFRY_WEBHOOK_SENDER_CLAIM_H
#define BELFRY_WEBHOOK_SENDER_CLAIM_H

#include "base/base.h"

struct app;

#define CLAIM_UNITS 2      /* on their way at a time */
#define CLAIM_ENDPOINTS 64 /* in one unit */
#define CLAIM_DELIVERIES 512

struct claim {
	int units;
	bool is_deferred;
};

/* There may be something to claim: looks at the end of this turn. */
void claim_soon(struct app *app);

#endif
