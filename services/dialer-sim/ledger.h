/* The simulated carrier's own book, a witness for tests: one JSON line per request that reached it,
 * per outcome and per hang-up. Lines are on the file before the answers they belong to are sent. */
#ifndef DIALER_SIM_LEDGER_H
#define DIALER_SIM_LEDGER_H

#include "wire/dialer_msg.h"

struct ledger;

struct err ledger_open(const char *path, struct ledger **out) MUST_USE; /* "" writes nothing */
void ledger_close(struct ledger *l);
void ledger_dial(struct ledger *l, usec_t at, const struct dialer_op *op);
void ledger_outcome(struct ledger *l, usec_t at, struct uuid id, enum outcome o, int64_t sip);
void ledger_hangup(struct ledger *l, usec_t at, struct uuid id);
struct err ledger_flush(struct ledger *l) MUST_USE;

#endif
