/* The dispatcher: waits for each call's moment, paces, claims, dials, records.
 *
 *   due stream -> intake -> lane -> claim -> attempt <-> dialer link
 *                (waits)  (tokens)  (commit)   |
 *                                    |         v
 *                                    |       record -> events for the webhook-sender
 *                                    v
 *                                  unmade (too late, suppressed, outside of its calling windows)
 *
 * Each arrow is one module's call into the next; nothing goes backwards but calls that go to the
 * front of their lane again, and those whose window opens within seconds. `windows` knows the
 * campaigns' calling windows, `traces`
 * the requests that started them, `credit` pauses those that have run out of it, `hangup` ends
 * conversations on request, `trunk_reports` writes down what dialers say of trunks. `lease` keeps the
 * incarnation alive and adopts what the dead left. */
#ifndef DISPATCHER_APP_H
#define DISPATCHER_APP_H

#include "base/map.h"
#include "loop/loop.h"
#include "pg/pg.h"
#include "queue/control.h"
#include "queue/due.h"
#include "settings.h"

struct intake;
struct lanes;
struct claims;
struct windows;
struct unmade;
struct credit;
struct hangups;
struct attempts;
struct records;
struct links;
struct lease;
struct trunks;
struct trunk_reports;
struct measures;
struct metrics;
struct metrics_server;

struct app {
	struct dispatcher_settings settings;
	struct loop *loop;
	struct uuid incarnation;
	char incarnation_text[ID_TEXT_SIZE];
	char host[128];
	struct pg_pool *claim_pg; /* one connection: a claim never waits behind a record */
	struct pg_pool *record_pg;
	struct redis *redis;
	struct due_reader *reader;
	struct control_reader *control;
	struct timer *drain_timer;
	usec_t mono_calls_until; /* in a drain: calls in progress are waited for */
	char **argv;
	bool is_closing; /* what fails now is not tried again */

	struct intake *intake;
	struct lanes *lanes;
	struct claims *claims;
	struct windows *windows;
	struct unmade *unmade;
	struct credit *credit;
	struct hangups *hangups;
	struct attempts *attempts;
	struct records *records;
	struct links *links;
	struct lease *lease;
	struct trunks *trunks;
	struct trunk_reports *trunk_reports;

	struct metrics *metrics;
	struct measures *measures;
	struct metrics_server *metrics_server;
};

extern const struct pg_stmt *const dispatcher_stmts[];

/* Runs a dispatcher until it has drained; the process' exit code. */
int app_run(int argc, char **argv);

/* The lease is registered: start taking calls. */
void app_begin(struct app *app);
/* The lease was lost: what is in memory belongs to others now. Starts the program over in the same
 * process, as a new incarnation. Does not return. */
void app_start_over(struct app *app) NORETURN;

/* This host's clock as Postgres sees it: the clock that instants were planned on. */
usec_t app_now(const struct app *app);
/* app_now less this host's own clock, which the dialers go by: see link.c. */
usec_t app_clock_correction(const struct app *app);

#endif
