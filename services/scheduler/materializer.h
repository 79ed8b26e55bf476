/* Turns pending targets into calls in line, an hour ahead: one transaction at a time, the lines in
 * turn. At full speed while a line's next minute is at stake, else with rest between, so that claims
 * and records keep their pace. */
#ifndef SCHEDULER_MATERIALIZER_H
#define SCHEDULER_MATERIALIZER_H

#include "app.h"
#include "book.h"

struct materializer *materializer_new(struct app *app);
void materializer_free(struct materializer *m);
/* The line may have something to plan. */
void materializer_add(struct materializer *m, struct line *l);
/* The line leaves the book. */
void materializer_forget(struct materializer *m, struct line *l);

#endif
