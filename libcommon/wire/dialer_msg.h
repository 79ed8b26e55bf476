/* The messages of proto/dialer.md, both ways, as plain structs: `op` goes from the dispatcher to
 * the dialer, `ev` comes back. Pure. Decoding copies into the arena, skips unknown members, and
 * answers ERR_PROTOCOL for an unknown op or event, a missing member or one out of its limits, so
 * that a caller can log and drop the message. Encoding appends to the strbuf in a fixed order and
 * leaves out what is zero or empty where the protocol lets it. */
#ifndef BELFRY_WIRE_DIALER_MSG_H
#define BELFRY_WIRE_DIALER_MSG_H

#include "base/arena.h"
#include "base/uuid.h"
#include "domain/outcome.h"

#define DIALER_PROTOCOL_VERSION 1
#define DIALER_MSG_MAX ((size_t)256 * 1024) /* bytes of one message */
#define DIALER_REF_MAX 128                  /* bytes of a provider_ref */

enum dialer_op_kind {
	DIALER_OP_HELLO = 0,
	DIALER_OP_DIAL,
	DIALER_OP_ACK,
	DIALER_OP_QUERY,
	DIALER_OP_HANGUP,
	DIALER_OP_TRUNK,
	DIALER_OP_CALLBACK,
	DIALER_OP_TEST,
	DIALER_OP_KIND_COUNT
};

struct dialer_op_hello {
	int64_t version;
	struct str dispatcher;  /* the slot's name */
	struct str incarnation; /* dsp_... as text */
};

struct dialer_op_dial {
	struct uuid call;
	struct uuid campaign; /* nil for an ad hoc call */
	int64_t attempt;      /* running number of the dial, from 1 */
	struct str to, from;
	struct str agent; /* JSON object */
	struct uuid trunk;
	usec_t ring_us;         /* on the wire ring_s, seconds */
	usec_t max_us;          /* on the wire max_s */
	usec_t expires_at;      /* wall clock; on the wire an integer of microseconds */
	struct str variables;   /* JSON object */
	struct str traceparent; /* for the agent and the logs; "" = none */
	struct str tracestate;  /* with it; "" = none */
};

struct dialer_op {
	enum dialer_op_kind kind;
	/* Attempt; of DIALER_OP_TRUNK the trunk, of DIALER_OP_TEST the test; unused in hello and
	 * callback. */
	struct uuid id;
	union {
		struct dialer_op_hello hello;
		struct dialer_op_dial dial;
		int64_t ack_seq;
		struct str hangup_reason;
		struct str trunk_settings;   /* JSON object */
		struct str callback_request; /* JSON object */
		struct uuid test_trunk;
	};
};

enum dialer_event_kind {
	DIALER_EV_HELLO = 0,
	DIALER_EV_DIALING,
	DIALER_EV_RINGING,
	DIALER_EV_ANSWERED,
	DIALER_EV_BRIDGED,
	DIALER_EV_ENDED,
	DIALER_EV_STATE,
	DIALER_EV_TRUNK,
	DIALER_EV_TESTED,
	DIALER_EVENT_KIND_COUNT
};

enum dialer_cap {
	DIALER_CAP_QUERY = 1,
	DIALER_CAP_HANGUP = 2,
	DIALER_CAP_RINGING = 4,
	DIALER_CAP_TRUNKS = 8, /* wants each trunk's settings before its calls */
	DIALER_CAP_TEST = 16   /* answers DIALER_OP_TEST */
};

struct dialer_ev_hello {
	int64_t version;
	struct str dialer; /* "sim" */
	struct str
		instance; /* (journal, boot): whose word about an attempt counts; at most 64 bytes */
	unsigned caps;    /* enum dialer_cap; unknown ones are skipped */
};

enum dialer_by {
	DIALER_BY_NONE = 0,
	DIALER_BY_CALLEE,
	DIALER_BY_AGENT,
	DIALER_BY_US,
	DIALER_BY_CARRIER,
	DIALER_BY_COUNT
};

/* How an attempt ended: the body of `ended`, and of `state` when the state is ended. */
struct dialer_end {
	int64_t seq; /* what an ack names */
	enum outcome outcome;
	int64_t q850;
	usec_t retry_after_us; /* on the wire retry_after_s */
	usec_t ring_us;        /* time it rang; on the wire ring_s */
	usec_t talk_us;        /* time it was answered; on the wire talk_s */
	enum dialer_by by;
};

enum dialer_state {
	DIALER_STATE_NEVER_SENT = 0, /* a promise: a later dial of the id will be refused */
	DIALER_STATE_DIALING,
	DIALER_STATE_RINGING,
	DIALER_STATE_ANSWERED,
	DIALER_STATE_ENDED,
	DIALER_STATE_UNKNOWN,
	DIALER_STATE_COUNT
};

enum dialer_trunk_state {
	DIALER_TRUNK_UP = 0,
	DIALER_TRUNK_DOWN,
	DIALER_TRUNK_THROTTLED,
	DIALER_TRUNK_STATE_COUNT
};

/* What came of asking a trunk's carrier whether it is there. */
struct dialer_ev_tested {
	struct uuid trunk;
	bool is_ok;
	struct str reason; /* at most 256 bytes */
	usec_t latency_us; /* on the wire latency_s */
	enum dialer_trunk_state state;
	usec_t until; /* wall clock; 0 = not said */
};

struct dialer_event {
	enum dialer_event_kind kind;
	/* Attempt; of DIALER_EV_TRUNK the trunk, of DIALER_EV_TESTED the test; unused in hello. */
	struct uuid id;
	usec_t t_us;             /* wall clock of the fact; 0 = not said */
	int64_t sip;             /* 0 = none */
	struct str provider_ref; /* STR_NONE = none */
	enum dialer_state state; /* of DIALER_EV_STATE */
	bool is_bridged;         /* of DIALER_EV_STATE, with DIALER_STATE_ANSWERED */
	union {
		struct dialer_ev_hello hello;
		struct dialer_end end; /* of ENDED, and of STATE when it is DIALER_STATE_ENDED */
		struct {
			enum dialer_trunk_state state;
			usec_t until; /* wall clock; 0 = not said */
		} trunk;
		struct dialer_ev_tested tested;
	};
};

const char *dialer_op_name(enum dialer_op_kind k);
const char *dialer_event_name(enum dialer_event_kind k);
const char *dialer_state_name(enum dialer_state s);
const char *dialer_trunk_state_name(enum dialer_trunk_state s);
const char *dialer_by_name(enum dialer_by by); /* NULL for DIALER_BY_NONE */

void dialer_op_encode(const struct dialer_op *op, struct strbuf *out);
struct err dialer_op_decode(struct str message, struct arena *a, struct dialer_op *out) MUST_USE;
void dialer_event_encode(const struct dialer_event *ev, struct strbuf *out);
struct err dialer_event_decode(struct str message, struct arena *a,
			       struct dialer_event *out) MUST_USE;

#endif
