/* What dialers say of trunks, on its way to those who look: how each stands, and what came of the tests
 * that the API asked for. A test stands in Postgres; a message on the control stream says that there is
 * one, and without it the next look finds it. */
#ifndef DISPATCHER_TRUNK_REPORT_H
#define DISPATCHER_TRUNK_REPORT_H

#include "app.h"
#include "wire/dialer_msg.h"

struct trunk_reports;

struct trunk_reports *trunk_reports_new(struct app *app);
void trunk_reports_free(struct trunk_reports *tr);
/* There may be a test to take: looks now. */
void trunk_reports_look(struct trunk_reports *tr);
/* A dialer said how a trunk stands; written until it is. */
void trunk_reports_state(struct trunk_reports *tr, const struct dialer_event *ev);
/* A dialer has tested a trunk. */
void trunk_reports_tested(struct trunk_reports *tr, const struct dialer_event *ev);

#endif
