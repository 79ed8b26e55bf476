/* The turn: wait, callbacks, then the jobs that were put off, each in the order they came. libevent
 * does the waiting; timers are our own (timer.c), because an instant matters to the microsecond
 * and libevent's are good for a millisecond, which is enough for its own time-outs. */
#include "loop/loop_impl.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/metrics.h"

#define SLOW_TURN_US (50 * USEC_PER_MS)
#define SLOW_LOG_EVERY_US USEC_PER_SEC
/* Jobs left when the loop is freed may leave jobs themselves; more rounds than this is a bug. */
#define LAST_ROUNDS_MAX 1000

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	struct event_config *cfg = event_config_new();

	ASSERT(cfg != NULL);
	ASSERT(event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV) ==
	       0);
	l->base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	ASSERT(l->base != NULL);
	ASSERT(event_base_priority_init(l->base, 2) == 0);
	l->time = xcalloc(1, sizeof(*l->time));
	loop_timers_init(l);
	/* A peer that closed while we write is an error of that write, not of the process. */
	signal(SIGPIPE, SIG_IGN);
	return l;
}

static void put_off(struct loop *l, loop_fn fn, void *arg)
{
	struct loop_queue *q = &l->jobs;

	if (q->n == q->cap) {
		q->cap = q->cap == 0 ? 32 : q->cap * 2;
		q->v = xrealloc(q->v, q->cap, sizeof(*q->v));
	}
	q->v[q->n++] = (struct loop_job){ fn, arg };
}

/* Runs what stands in the queue now; what these add waits for the next round. */
static void run_round(struct loop *l)
{
	struct loop_queue q = l->jobs;

	l->jobs = l->spare;
	l->spare = (struct loop_queue){ .v = NULL };
	for (size_t i = 0; i < q.n; i++)
		q.v[i].fn(q.v[i].arg);
	q.n = 0;
	l->spare = q;
}

/* A second round, so that a job may hand on to another module in the same turn. */
static void run_jobs(struct loop *l)
{
	run_round(l);
	if (l->jobs.n > 0)
		run_round(l);
}

void loop_settle(struct loop *l)
{
	for (int round = 0; l->jobs.n > 0; round++) {
		ASSERT(round < LAST_ROUNDS_MAX);
		run_round(l);
	}
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	loop_settle(l);
	if (l->on_term != NULL)
		event_free(l->on_term);
	if (l->on_int != NULL)
		event_free(l->on_int);
	timer_free(l->drain_timer);
	loop_timers_deinit(l);
	event_base_free(l->base);
	free(l->jobs.v);
	free(l->spare.v);
	free(l->time);
	free(l);
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

static void read_clocks(struct loop_time *t)
{
	t->now = clock_now();
	t->mono = clock_mono();
	if (!t->is_read)
		t->mono_started = t->mono;
	t->is_read = true;
}

usec_t loop_now(const struct loop *l)
{
	if (!l->time->is_read)
		read_clocks(l->time);
	return l->time->now;
}

usec_t loop_mono(const struct loop *l)
{
	if (!l->time->is_read)
		read_clocks(l->time);
	return l->time->mono;
}

void loop_refresh_time(struct loop *l)
{
	read_clocks(l->time);
}

void loop_measure(struct loop *l, struct histogram *turn, struct histogram *lag)
{
	l->turn = turn;
	l->lag = lag;
}

static void end_turn(struct loop *l)
{
	const struct loop_time *t = l->time;

	if (!t->is_read)
		return;
	usec_t mono = clock_mono();
	usec_t took = mono - t->mono_started;
	l->time->is_read = false;
	if (l->turn != NULL)
		histogram_observe(l->turn, took);
	if (took <= SLOW_TURN_US || mono - l->mono_slow_logged < SLOW_LOG_EVERY_US)
		return;
	l->mono_slow_logged = mono;
	log_warn("loop_turn_slow", LI("ms", took / USEC_PER_MS));
}

int loop_run(struct loop *l)
{
	while (!l->is_stopped) {
		int flags = EVLOOP_ONCE | (l->jobs.n > 0 ? EVLOOP_NONBLOCK : 0);
		loop_timers_arm(l);
		/* A reading from before the wait would be as old as the wait is long. */
		l->time->is_read = false;
		ASSERT(event_base_loop(l->base, flags) >= 0);
		run_jobs(l);
		end_turn(l);
	}
	l->is_stopped = false;
	return l->exit_code;
}

void loop_stop(struct loop *l)
{
	l->is_stopped = true;
}

void loop_end_turn(struct loop *l)
{
	ASSERT(event_base_loopbreak(l->base) == 0);
}

void loop_defer(struct loop *l, loop_fn fn, void *arg)
{
	put_off(l, fn, arg);
}

void loop_defer_free(struct loop *l, void *p, void (*fn)(void *))
{
	put_off(l, fn, p);
}

/* --- drain ---------------------------------------------------------------------------------- */

static void stop_unclean(struct loop *l, const char *event)
{
	log_warn(event);
	l->exit_code = 1;
	loop_stop(l);
}

static void on_drain_deadline(void *arg)
{
	stop_unclean(arg, "drain_deadline_passed");
}

static void run_drain_fn(void *arg)
{
	struct loop *l = arg;

	if (l->drain_fn != NULL)
		l->drain_fn(l->drain_arg);
	else
		loop_stop(l);
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct loop *l = arg;

	(void)what;
	if (l->is_draining) {
		stop_unclean(l, "second_signal");
		return;
	}
	log_info("signal", LI("number", signo));
	loop_drain(l);
}

static struct event *watch_signal(struct loop *l, int signo)
{
	struct event *e = evsignal_new(l->base, signo, on_signal, l);

	ASSERT(e != NULL);
	ASSERT(event_add(e, NULL) == 0);
	return e;
}

void loop_on_drain(struct loop *l, usec_t timeout_us, loop_fn fn, void *arg)
{
	l->drain_fn = fn;
	l->drain_arg = arg;
	l->drain_timeout_us = timeout_us;
	if (l->on_term != NULL)
		return;
	l->drain_timer = timer_new(l, on_drain_deadline, l);
	l->on_term = watch_signal(l, SIGTERM);
	l->on_int = watch_signal(l, SIGINT);
}

bool loop_is_draining(const struct loop *l)
{
	return l->is_draining;
}

void loop_drain(struct loop *l)
{
	if (l->is_draining)
		return;
	l->is_draining = true;
	if (l->drain_timer != NULL)
		timer_start(l->drain_timer, l->drain_timeout_us);
	loop_defer(l, run_drain_fn, l);
}
