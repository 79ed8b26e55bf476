/* The simulated carrier's side of the desk: lets the calls that it plans run their course on the
 * clock, and writes the ledger. */
#ifndef DIALER_SIM_PHONES_H
#define DIALER_SIM_PHONES_H

#include "carrier.h"
#include "dial/desk.h"
#include "ledger.h"

struct phones;

struct phones_options {
	struct carrier_settings carrier;
	struct journal *journal; /* all borrowed */
	struct ledger *ledger;
	struct metrics *metrics;
};

/* Makes the desk too; phones_free() ends both. */
struct phones *phones_new(struct loop *l, const struct phones_options *o);
void phones_free(struct phones *p);
struct desk *phones_desk(const struct phones *p);

#endif
