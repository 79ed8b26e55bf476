/* Where a dialer keeps the promises of proto/dialer.md, whatever its carrier is: takes each
 * operation, decides by the attempts it holds and by the journal, and has everything on the files
 * before a word of it is sent. What a call is, and how it is placed and ended, is the carrier's:
 * a table of functions, with the attempts embedded in its own structs.
 *
 * While DESK_OPEN_MAX attempts are held (open, or ended and not yet acknowledged), the carrier should
 * end a dial at once as rate_limited. From DESK_HELD_MAX on an end is told once, without being
 * held. */
#ifndef BELFRY_DIAL_DESK_H
#define BELFRY_DIAL_DESK_H

#include "dial/dialer_slot.h"
#include "dial/journal.h"

#define DESK_OPEN_MAX 200000
#define DESK_HELD_MAX 250000
#define DESK_SLOTS_MAX 64

struct desk;
struct metrics;

struct desk_carrier {
	const char *name; /* of the dialer: "sim" */
	unsigned caps;    /* enum dialer_cap */
	/* Memory for an attempt whose end is to be kept though no call was placed: zeroed, to be
	 * given back by `forget`. */
	struct desk_attempt *(*make)(void *arg);
	/* A dial that is new and in time, to be placed: the carrier holds it, or ends it at once. It
	 * journals the id as sent before the request leaves. */
	void (*dial)(const struct dialer_op *op, struct slot *home, usec_t at, void *arg);
	void (*hangup)(struct desk_attempt *a, void *arg); /* of one that has not ended */
	void (*trunk)(const struct dialer_op *op, struct slot *from, void *arg);
	/* Asks a trunk's carrier whether it is there; `tested` follows at the slot. */
	void (*test)(const struct dialer_op *op, struct slot *from, void *arg);
	/* Acknowledged, or the desk closes: frees it. */
	void (*forget)(struct desk_attempt *a, void *arg);
	/* The carrier's own file, once the journal is written. */
	struct err (*write)(void *arg);
	/* The files hold everything: what they say may happen. NULL = nothing to do. */
	void (*written)(void *arg);
	slot_ref_fn ref;
	slot_events_fn events;
	void *arg;
};

struct desk_options {
	struct desk_carrier carrier;
	struct journal *journal; /* borrowed for the desk's life */
	struct metrics *metrics; /* where attempts are counted; NULL = nowhere */
};

struct desk *desk_new(struct loop *l, const struct desk_options *o);
void desk_free(struct desk *d);
/* Binds one more slot. */
struct err desk_add_slot(struct desk *d, const char *address) MUST_USE;
/* Binds a slot for each address of a list separated by commas. */
struct err desk_add_slots(struct desk *d, const char *addresses) MUST_USE;
/* Writes and sends what stands, now. Calls in progress are not touched. */
void desk_finish(struct desk *d);
/* A file failed: the loop was stopped, the process must end as failed. */
bool desk_has_failed(const struct desk *d);
/* Stops the process: a file of the carrier's could not be written outside of a flush. */
void desk_fail(struct desk *d, struct err e);

size_t desk_count(const struct desk *d);
/* for (size_t it = 0; (a = desk_next(d, &it)) != NULL;) */
struct desk_attempt *desk_next(const struct desk *d, size_t *it);
/* What an attempt is that was read back from a file belongs to: the slot of that number, or the
 * first. NULL while there is none. */
struct slot *desk_slot(const struct desk *d, size_t i);
size_t desk_slot_index(const struct desk *d, const struct slot *s);
/* Files are written and messages sent at the end of this turn. */
void desk_flush_soon(struct desk *d);

/* `a` is zeroed but for the carrier's own part; `at` is wall clock. */
void desk_hold(struct desk *d, struct slot *home, struct desk_attempt *a, struct uuid id,
	       usec_t at);
/* One that ended, in this process or an earlier one, and was not acknowledged: `a` is filled in. */
void desk_hold_ended(struct desk *d, struct slot *home, struct desk_attempt *a);
void desk_ringing(struct desk *d, struct desk_attempt *a, int64_t sip);
void desk_answered(struct desk *d, struct desk_attempt *a);
void desk_bridged(struct desk *d, struct desk_attempt *a);
/* seq, talk_us and ring_us are filled in here. */
void desk_ended(struct desk *d, struct desk_attempt *a, int64_t sip, struct dialer_end end);
/* An id that is not held: its end is held like any other, as long as there is room. */
void desk_end_at_once(struct desk *d, struct slot *home, struct uuid id, int64_t sip,
		      struct dialer_end end);
/* Not sent, and never to be: the id becomes void. */
void desk_refuse(struct desk *d, struct slot *home, struct uuid id, const char *reason);
/* The same for one that is held and was not placed. */
void desk_take_back(struct desk *d, struct desk_attempt *a, const char *reason);
/* Answers at the slot, once. */
void desk_reply(struct desk *d, struct slot *s, const struct dialer_event *ev);
/* To every slot's dispatcher. */
void desk_tell_all(struct desk *d, const struct dialer_event *ev);

#endif
