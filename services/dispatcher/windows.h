/* Calling windows at the claim. The claim refuses a call whose campaign has windows unless it is told,
 * from the campaign's present version, up to when they are open; that is judged here. What was read
 * of a campaign's windows is kept, so that most calls bring the answer before the claim asks; where
 * the target's own zone decides, the claim brings the zone first.
 *
 * Owns the table of zones, and looks for changes of the database. */
#ifndef DISPATCHER_WINDOWS_H
#define DISPATCHER_WINDOWS_H

#include "app.h"
#include "call.h"
#include "store_gen.h"

enum windows_answer {
	WINDOWS_OPEN = 0,
	WINDOWS_CLOSED,
	WINDOWS_UNKNOWN, /* the row or the zone cannot be read, or the row must come again */
	WINDOWS_ANSWER_COUNT
};

struct err windows_open(struct app *app, struct windows **out) MUST_USE;
void windows_close(struct windows *ws);

/* Before a claim: gives the call what is known of its windows. */
void windows_prepare(struct windows *ws, struct call *c);
/* After the verdict `window`: sets windows_of, and open_until or opens_at. */
enum windows_answer windows_judge(struct windows *ws, struct call *c,
				  const struct claim_calls_row *row);

#endif
