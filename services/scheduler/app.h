/* The scheduler. Any number run, one leads: it holds the Redis lock and its own epoch in Postgres,
 * and every statement that writes shares the epoch's row, so a leader that slept writes nothing.
 *
 *   book          live bulk campaigns with their line, limits and cursors, as last read
 *   materializer  pending targets -> calls in line, an hour ahead
 *   feeder        calls due within ten seconds -> due streams
 *   sweeper       what fell through: overdue calls, dead consumers, orphaned attempts
 *   expander      occurrences of recurring campaigns -> calls with an instant, an hour ahead
 *   replanner     the time zones; calls that an update of them moves
 *   finisher      campaign.completed, the rest of a cancelled campaign, the archive
 *   history       partitions of what is finished: made ahead, dropped when they are old
 *   retention     what is old and stands in none of them, stored answers, traces
 *
 * Each is a task: it runs when its time has come, one run at a time, and only while leading. */
#ifndef SCHEDULER_APP_H
#define SCHEDULER_APP_H

#include "loop/loop.h"
#include "pg/pg.h"
#include "queue/control.h"
#include "queue/due.h"
#include "queue/leader_lock.h"
#include "settings.h"
#include "sys/fault.h"
#include "sys/zone_table.h"

struct book;
struct materializer;
struct feeder;
struct sweeper;
struct finisher;
struct retention;
struct history;
struct expander;
struct replanner;
struct measures;
struct metrics;
struct metrics_server;

struct app {
	struct scheduler_settings settings;
	struct fault fault;
	struct loop *loop;
	struct uuid holder;
	struct pg_pool *pg;
	struct redis *redis;
	struct control_reader *control;
	struct leader_lock *lock;
	int64_t epoch; /* 0 = not leading */
	bool is_taking;
	struct timer *take_timer;
	struct timer *ready_timer;
	struct zone_table *zones;
	struct timer *zones_timer;

	/* Entries that the feeder appended in the window that ends, and in the one before. */
	usec_t mono_fed_until;
	size_t fed, fed_before;

	struct book *book;
	struct materializer *materializer;
	struct feeder *feeder;
	struct sweeper *sweeper;
	struct finisher *finisher;
	struct retention *retention;
	struct history *history;
	struct expander *expander;
	struct replanner *replanner;

	struct metrics *metrics;
	struct measures *measures;
	struct metrics_server *metrics_server;
};

extern const struct pg_stmt *const scheduler_stmts[];

int app_run(int argc, char **argv);

/* May this process write as leader now? By its lock's clock too. */
bool app_leads(const struct app *app);
/* This host's clock as Postgres sees it. */
usec_t app_now(const struct app *app);

#endif
