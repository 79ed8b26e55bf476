/* Whether a request is sent again, and when: pure. A request that is safe to repeat (a GET, or a
 * POST with an Idempotency-Key) is, after 429 and 503 at the moment that Retry-After names, and
 * after a lost connection. Of the others a 429 is repeated only: it was refused before anything was
 * done. All within a bound: a command ends within a minute of waiting. */
#ifndef BELFRY_CLI_AGAIN_H
#define BELFRY_CLI_AGAIN_H

#include "base/str.h"

#define AGAIN_TRIES_MAX 6
#define AGAIN_LOST_MAX 3 /* tries without any answer */
#define AGAIN_WAIT_MAX_US (60 * USEC_PER_SEC)

struct again {
	int tries, lost;  /* that have failed so far */
	usec_t waited_us; /* for all of them */
};

struct again_fact {
	int status;             /* 0: no answer */
	bool is_safe;           /* to repeat */
	bool is_in_progress;    /* 409 idempotency_in_progress */
	struct str retry_after; /* or STR_NONE */
};

/* How long to wait before the next try, counted in `a`; USEC_NEVER: give up. */
usec_t again_wait(struct again *a, struct again_fact f);

#endif
