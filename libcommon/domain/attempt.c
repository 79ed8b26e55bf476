/* Forward only: the enum's order is the order of life. */
#include "domain/attempt.h"

const char *attempt_state_name(enum attempt_state s)
{
	static const char *const names[ATTEMPT_STATE_COUNT] = {
		[ATTEMPT_CLAIMED] = "claimed", [ATTEMPT_DIALING] = "dialing",
		[ATTEMPT_RINGING] = "ringing", [ATTEMPT_ANSWERED] = "answered",
		[ATTEMPT_BRIDGED] = "bridged", [ATTEMPT_ENDED] = "ended",
	};
	ASSERT(s < ATTEMPT_STATE_COUNT);
	return names[s];
}

enum attempt_state attempt_advance(enum attempt_state now, enum attempt_state said)
{
	return said > now ? said : now;
}

usec_t attempt_deadline_us(enum attempt_state s, usec_t ring_us, usec_t max_us)
{
	if (s == ATTEMPT_BRIDGED)
		return max_us + ATTEMPT_TALK_GRACE_US;
	return ring_us + ATTEMPT_RING_GRACE_US;
}
