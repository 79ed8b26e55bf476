/* What the dispatcher counts, from the claim to the record. Every function here is an addition or
 * two; gauges are filled in when somebody asks. */
#ifndef DISPATCHER_MEASURE_H
#define DISPATCHER_MEASURE_H

#include "app.h"
#include "domain/outcome.h"

struct attempt;
struct attempt_ended_row;
struct bucket_grant;
struct measures;

struct measures *measures_new(struct app *app);
void measures_free(struct measures *ms);

/* A claim's verdict on a call: "claimed", "held", "busy", ... */
void measure_claim(struct measures *ms, struct str verdict);
/* A lane waits for its next token. */
void measure_wait(struct measures *ms, const struct bucket_grant *g);
/* The dial leaves for the dialer. */
void measure_dial(struct measures *ms, const struct attempt *a);
/* The end of an attempt has been recorded, by the row that says what it meant. */
void measure_end(struct measures *ms, const struct attempt *a, const struct attempt_ended_row *row);
/* A call has ended without an attempt. */
void measure_unmade(struct measures *ms, enum outcome o);
/* Attempts of dead dispatchers were taken over. */
void measure_adopted(struct measures *ms, size_t n);

#endif
