/* What the webhook-sender counts. */
#ifndef BELFRY_WEBHOOK_SENDER_MEASURE_H
#define BELFRY_WEBHOOK_SENDER_MEASURE_H

#include "base/err.h"

struct app;
struct item;
struct measures;

/* Opens the operators' port too. */
struct err measures_open(struct app *app) MUST_USE;
void measures_close(struct app *app);
/* The item's request leaves: how long after it fell due? */
void measure_send(struct app *app, const struct item *it);
/* It was answered, or not. */
void measure_request(struct app *app, usec_t took_us);

#endif
