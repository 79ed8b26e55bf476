/* Where the dialer's promises are kept: takes each operation of the protocol, decides by the
 * attempts it holds and by the journal, lets the simulated calls run their course, and has
 * everything on journal and ledger before a word of it is sent.
 *
 * While DESK_OPEN_MAX attempts are held (open, or ended and not yet acknowledged), a dial ends at
 * once as rate_limited with retry_after_s 1. From DESK_HELD_MAX on that is told once, without being
 * held. */
#ifndef DIALER_SIM_DESK_H
#define DIALER_SIM_DESK_H

#include "carrier.h"
#include "journal.h"
#include "ledger.h"
#include "loop/loop.h"

#define DESK_OPEN_MAX 200000
#define DESK_HELD_MAX 250000
#define DESK_SLOTS_MAX 64

struct desk;

struct desk_options {
	struct carrier_settings carrier;
	struct journal *journal; /* both borrowed for the desk's life */
	struct ledger *ledger;
};

struct desk *desk_new(struct loop *l, const struct desk_options *o);
void desk_free(struct desk *d);
/* Binds one more slot. */
struct err desk_add_slot(struct desk *d, const char *address) MUST_USE;
/* Writes and sends what stands, now. Calls in progress end with the process; the journal knows
 * them. */
void desk_finish(struct desk *d);
/* True once journal or ledger failed: the loop was stopped, the process must end as failed. */
bool desk_has_failed(const struct desk *d);

#endif
