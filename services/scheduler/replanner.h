/* The time zones that schedules are planned with, and what their update means for calls that are
 * planned already: each keeps its key and gets the instant that the key has now.
 *
 * A plan names the database it was made with. After a change, and when this process begins to lead, all plans made with another one are gone
 * through, page by page. Nothing is expanded until that is done: it takes seconds, and an expansion
 * under new rules of a plan made under old ones could pass over what moved between the two. */
#ifndef SCHEDULER_REPLANNER_H
#define SCHEDULER_REPLANNER_H

#include "app.h"

struct replanner *replanner_new(struct app *app);
void replanner_free(struct replanner *r);
/* This process leads now. */
void replanner_begin_again(struct replanner *r);
/* zone_table_refresh took rules anew. */
void replanner_zones_changed(struct replanner *r);
bool replanner_is_busy(const struct replanner *r);

/* What plans note as the database they were made with. */
struct str replanner_tzdata(const struct replanner *r);

#endif
