/* The simulated carrier's decision: destination, attempt number and settings in, the whole course
 * of the call out. Pure, without memory between calls, so a test can predict every one of them.
 * The table of magic numbers stands in proto/dialer.md. */
#ifndef DIALER_SIM_CARRIER_H
#define DIALER_SIM_CARRIER_H

#include "wire/dialer_msg.h"

enum carrier_behaviour {
	CARRIER_ANSWERS = 0,
	CARRIER_BUSY,
	CARRIER_NO_ANSWER,
	CARRIER_REJECTS,
	CARRIER_INVALID,
	CARRIER_FAILS,
	CARRIER_MACHINE,
	CARRIER_SILENT,  /* asked, and never heard of again */
	CARRIER_GARBLED, /* answers; events come twice and out of order */
	CARRIER_THROTTLES,
	CARRIER_NO_AGENT,
	CARRIER_BEHAVIOUR_COUNT
};

/* Percent of the numbers without a magic ending that behave so; the rest answers. */
struct carrier_mix {
	unsigned percent[CARRIER_BEHAVIOUR_COUNT];
};

struct carrier_settings {
	usec_t ring_us, talk_us;
	double time_scale; /* multiplies every duration, Retry-After aside */
	struct carrier_mix mix;
};

struct carrier_request {
	struct str to;
	int64_t attempt;
	usec_t ring_limit_us, talk_limit_us;
};

/* Durations are scaled and run from the request. */
struct carrier_plan {
	bool is_silent;
	bool is_garbled;
	bool has_ringing;
	bool has_answer;
	bool has_bridge;
	usec_t answer_us;
	usec_t end_us;
	int64_t sip;
	struct dialer_end end; /* seq, ring_us and talk_us are the caller's */
};

/* "busy=10,no_answer=20": outcomes and percents, together at most 100; empty = all answer. */
struct err carrier_mix_parse(struct str s, struct carrier_mix *out) MUST_USE;
void carrier_plan(const struct carrier_settings *s, const struct carrier_request *r,
		  struct carrier_plan *out);

#endif
