/* One dispatcher slot: its socket, the attempts that belong to it, and what is still to be said to
 * whoever is connected. Nothing is queued as text: an attempt remembers what has to be told about
 * it, so a dispatcher that is away costs no memory beyond the attempts themselves. Messages go out
 * only in slot_flush(), which the desk calls once journal and ledger are on their files. */
#ifndef DIALER_SIM_SLOT_H
#define DIALER_SIM_SLOT_H

#include "attempt.h"
#include "loop/loop.h"

typedef void (*slot_op_fn)(struct slot *s, const struct dialer_op *op, void *arg);

struct slot_options {
	const char *address;
	const char *instance; /* borrowed for the slot's life */
	slot_op_fn on_op;
	loop_fn on_room; /* the socket takes messages again: flush */
	void *arg;
};

struct err slot_open(struct loop *l, const struct slot_options *o, struct slot **out) MUST_USE;
void slot_close(struct slot *s); /* attempts must have left */

/* Tells `what` (enum tell) about the attempt, at its own slot. */
void slot_tell(struct attempt *a, unsigned what);
/* The attempt has ended: its terminal event is repeated at each greeting until it leaves. */
void slot_keep_ended(struct attempt *a);
/* Moves the attempt, with all that is to be told about it, to `s`; no-op when it is there. */
void slot_adopt(struct slot *s, struct attempt *a);
void slot_leave(struct attempt *a);
/* Answers a hello, then tells every terminal event not yet acknowledged. True when the dispatcher is
 * another incarnation than the one that greeted before: a living one repeats its hello. */
bool slot_greet(struct slot *s, struct str incarnation);
/* An answer about an attempt that is not held, or about a trunk. Said once; over a bound it is
 * dropped, and the dispatcher asks again. */
void slot_reply(struct slot *s, const struct dialer_event *ev);
/* Sends until all is said, the socket is full or the turn's budget is used; true in the last case:
 * call again soon. */
bool slot_flush(struct slot *s);

#endif
