/* The SIP dialer as a process: journal, sockets, calls and drain put together. */
#ifndef DIALER_SIP_APP_H
#define DIALER_SIP_APP_H

#include "base/err.h"
#include "settings.h"

struct app;

struct err app_new(const struct sip_settings *s, struct app **out) MUST_USE;
int app_run(struct app *a); /* the process' exit code */
void app_free(struct app *a);

#endif
