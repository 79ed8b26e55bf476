/* What the gateway counts. */
#ifndef BELFRY_API_GATEWAY_MEASURE_H
#define BELFRY_API_GATEWAY_MEASURE_H

#include "app.h"
#include "base/err.h"

/* Opens the operators' port too. */
struct err measures_open(struct app *app) MUST_USE;
void measures_close(struct app *app);
/* A request was answered, so long after it came. */
void measure_answer(struct app *app, int status, usec_t took_us);

#endif
