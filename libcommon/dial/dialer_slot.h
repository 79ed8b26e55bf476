/* One dispatcher slot of a dialer: its socket, the attempts that belong to it, and what is still to
 * be said to whoever is connected. Nothing is queued as text: an attempt remembers what has to be
 * told about it, so a dispatcher that is away costs no memory beyond the attempts themselves.
 * Messages go out only in slot_flush(), which the desk calls once the files hold what they say. */
#ifndef BELFRY_DIAL_DIALER_SLOT_H
#define BELFRY_DIAL_DIALER_SLOT_H

#include "base/list.h"
#include "loop/loop.h"
#include "wire/dialer_msg.h"

struct slot;

enum tell {
	TELL_STATE = 1,
	TELL_RINGING = 2,
	TELL_ANSWERED = 4,
	TELL_BRIDGED = 8,
	TELL_ENDED = 16
};

/* One dial attempt as a dialer holds it: from the dial until its terminal event is acknowledged.
 * Embedded in what the carrier knows about it. Only the desk writes it. */
struct desk_attempt {
	struct uuid id;
	struct slot *slot;
	struct list_node outgoing; /* in the slot's list while something is to be told */
	struct list_node unacked;  /* in the slot's list once it has ended */
	unsigned tell;             /* enum tell */
	enum dialer_state state;   /* dialing, ringing, answered or ended */
	bool has_rung, is_bridged;
	int64_t ringing_sip; /* what said that it rings */
	int64_t sip;         /* how it ended */
	struct dialer_end end;
	usec_t dialed_at; /* wall clock */
	usec_t mono_dialed_at;
	usec_t rang_us, answered_us, bridged_us, ended_us; /* after the dial */
};

#define SLOT_EVENTS_MAX 6 /* about one attempt at a time */

typedef void (*slot_op_fn)(struct slot *s, const struct dialer_op *op, void *arg);
/* The carrier's own name of the call, written to `out`; empty for none. */
typedef void (*slot_ref_fn)(const struct desk_attempt *a, char out[DIALER_REF_MAX + 1]);
/* Which events say what is to be told, in which order; how many. */
typedef size_t (*slot_events_fn)(const struct desk_attempt *a,
				 enum dialer_event_kind v[SLOT_EVENTS_MAX]);

struct slot_options {
	const char *address;
	const char *dialer; /* "sim"; this and the next are borrowed for the slot's life */
	const char *instance;
	unsigned caps;
	slot_op_fn on_op;
	loop_fn on_room; /* the socket takes messages again: flush */
	slot_ref_fn ref;
	slot_events_fn events; /* slot_list_events() */
	void *arg;
};

struct err slot_open(struct loop *l, const struct slot_options *o, struct slot **out) MUST_USE;
void slot_close(struct slot *s); /* attempts must have left */

/* Tells `what` (enum tell) about the attempt, at its own slot. */
void slot_tell(struct desk_attempt *a, unsigned what);
/* The attempt has ended: its terminal event is repeated at each greeting until it leaves. */
void slot_keep_ended(struct desk_attempt *a);
/* Moves the attempt, with all that is to be told about it, to `s`; no-op when it is there. */
void slot_adopt(struct slot *s, struct desk_attempt *a);
void slot_leave(struct desk_attempt *a);
/* Answers a hello, then tells every terminal event not yet acknowledged. True when the dispatcher is
 * another incarnation than the one that greeted before: a living one repeats its hello. */
bool slot_greet(struct slot *s, struct str incarnation);
/* An answer about an attempt that is not held, or about a trunk. Said once; over a bound it is
 * dropped, and the dispatcher asks again. */
void slot_reply(struct slot *s, const struct dialer_event *ev);
/* Sends until all is said, the socket is full or the turn's budget is used; true in the last case:
 * call again soon. */
bool slot_flush(struct slot *s);
/* The events in the order of the call. */
size_t slot_list_events(const struct desk_attempt *a, enum dialer_event_kind v[SLOT_EVENTS_MAX]);

#endif
