/* The simulated carrier as a process: files, slots, loop and drain put together. */
#ifndef DIALER_SIM_APP_H
#define DIALER_SIM_APP_H

#include "settings.h"

struct app;

struct err app_new(const struct sim_settings *s, const struct carrier_settings *carrier,
		   struct app **out) MUST_USE;
int app_run(struct app *a); /* the process' exit code */
void app_free(struct app *a);

#endif
