/* Which trace each call of a claim belongs to, and what goes along with it: of an ad hoc call what its
 * request brought, of a campaign's the request that started the campaign. That never changes, so each
 * campaign is asked about once, in the claim in which it is first met. */
#ifndef DISPATCHER_TRACES_H
#define DISPATCHER_TRACES_H

#include "call.h"
#include "pg/pg.h"

struct traces;

/* For claims of at most that many calls. */
struct traces *traces_new(size_t most);
void traces_free(struct traces *ts);

/* Adds to the unit, which has `at` statements, what must be asked: nothing, most of the time. */
void traces_ask(struct traces *ts, struct pg_unit *u, size_t at, struct call *const *calls,
		size_t n);
/* After the unit, for the same calls: sets the traces of those that are not their own. */
void traces_take(struct traces *ts, const struct pg_unit *u, struct call *const *calls, size_t n);
/* The tracestate of the i-th of them; STR_NONE = none. Borrowed until the unit is over. */
struct str traces_state(const struct traces *ts, size_t i);

#endif
