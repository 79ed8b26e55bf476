/* The life of one dial attempt as its dialer reports it. Reports may come twice, late or out of
 * order; an attempt only moves forward, and a terminal state is final.
 *
 *   claimed -> dialing -> ringing -> answered -> bridged -> ended
 *   (any state may be skipped)                             (from any)            */
#ifndef BELFRY_DOMAIN_ATTEMPT_H
#define BELFRY_DOMAIN_ATTEMPT_H

#include "base/base.h"

enum attempt_state {
	ATTEMPT_CLAIMED = 0, /* committed, not yet handed to the dialer */
	ATTEMPT_DIALING,     /* handed over */
	ATTEMPT_RINGING,
	ATTEMPT_ANSWERED,
	ATTEMPT_BRIDGED,
	ATTEMPT_ENDED,
	ATTEMPT_STATE_COUNT
};

const char *attempt_state_name(enum attempt_state s);

/* The state after a report of `said`: the later one of both. */
enum attempt_state attempt_advance(enum attempt_state now, enum attempt_state said);

#define ATTEMPT_RING_GRACE_US (10 * USEC_PER_SEC)
#define ATTEMPT_TALK_GRACE_US (30 * USEC_PER_SEC)

/* When the dialer must have said the next thing, counted in microseconds from the claim (before a
 * bridge) or from the bridge (after it). Past it: query, hang up, then judge. */
usec_t attempt_deadline_us(enum attempt_state s, usec_t ring_us, usec_t max_us);

#endif
