/* One dial attempt as this dialer holds it: from the dial until its terminal event is acknowledged.
 * The desk owns and changes it; the slot that it belongs to sends what is to be told about it. */
#ifndef DIALER_SIM_ATTEMPT_H
#define DIALER_SIM_ATTEMPT_H

#include "base/heap.h"
#include "base/list.h"
#include "carrier.h"

struct slot;

enum tell {
	TELL_STATE = 1,
	TELL_RINGING = 2,
	TELL_ANSWERED = 4,
	TELL_BRIDGED = 8,
	TELL_ENDED = 16
};

struct attempt {
	struct uuid id;
	struct slot *slot;
	struct list_node outgoing; /* in the slot's list while something is to be told */
	struct list_node unacked;  /* in the slot's list once it has ended */
	struct heap_node due;      /* the next thing that happens to it, on the monotonic clock */
	struct carrier_plan plan;  /* once ended, sip and end say how it did end */
	enum dialer_state state;   /* dialing, ringing, answered or ended */
	unsigned tell;             /* enum tell */
	usec_t dialed_at;          /* wall clock */
	usec_t mono_dialed_at;
	usec_t answered_us; /* after the dial */
	usec_t ended_us;    /* after the dial */
};

#endif
