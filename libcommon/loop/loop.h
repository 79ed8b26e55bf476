/* One event loop for one process: time read once per turn, timers, deferred frees, signals, drain.
 *
 * Order of a life: loop_new, modules made on it, loop_run, connections closed, loop_settle, modules
 * freed, loop_free.
 * Shutdown: SIGTERM or SIGINT (or loop_drain) calls the drain callback once; the service stops
 * taking work, finishes or hands back, and calls loop_stop. When the drain deadline passes first,
 * the loop stops by itself. A second signal stops at once. A turn longer than 50 ms is logged.
 *
 * loop_run may be called again after it returned; a loop_stop before it makes it return at once.
 * libevent's own time-outs are good to a few milliseconds; what needs its instant uses a timer
 * from here. What is due runs before the I/O that came in meanwhile. SIGPIPE is ignored. */
#ifndef BELFRY_LOOP_LOOP_H
#define BELFRY_LOOP_LOOP_H

#include "base/base.h"

struct event_base;
struct histogram;
struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *l);
struct event_base *loop_base(struct loop *l);

usec_t loop_now(const struct loop *l);  /* wall clock of this turn */
usec_t loop_mono(const struct loop *l); /* monotonic clock of this turn */
/* Reads both clocks anew within the turn, for work that takes long or needs the exact moment. */
void loop_refresh_time(struct loop *l);

/* Runs until loop_stop; returns 0, or 1 when the drain deadline passed or a second signal came. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Observes how long each turn takes and how late each timer runs. They outlive the loop. */
void loop_measure(struct loop *l, struct histogram *turn, struct histogram *lag);

typedef void (*loop_fn)(void *arg);
/* Installs SIGTERM/SIGINT handling. */
void loop_on_drain(struct loop *l, usec_t timeout_us, loop_fn fn, void *arg);
bool loop_is_draining(const struct loop *l);
void loop_drain(struct loop *l); /* as if SIGTERM had come */

/* Frees p (by fn) after the current turn: for callbacks that free the object they belong to. */
void loop_defer_free(struct loop *l, void *p, void (*fn)(void *));
/* Calls fn from the loop in the same or next turn, never from inside this call. Both kinds run in
 * the order they came, what they defer themselves behind them, so an object's deferred calls run before its deferred free. What is left
 * when the loop ends runs in loop_free. */
void loop_defer(struct loop *l, loop_fn fn, void *arg);
/* Ends this turn after the callback at hand: what was deferred runs before the callbacks that are left,
 * so that what they wait for is on its way while they run. */
void loop_end_turn(struct loop *l);
/* Outside of loop_run: runs what was deferred until nothing is left. A service calls it between
 * closing its connections, which still owe their last callbacks, and freeing who gets those. */
void loop_settle(struct loop *l);

/* --- timers: one shot, microseconds (timerfd-exact below a millisecond), re-armed freely ---- */
struct timer;
struct timer *timer_new(struct loop *l, loop_fn fn, void *arg);
void timer_free(struct timer *t);
void timer_start(struct timer *t, usec_t in_us); /* replaces an earlier start; 0 = next turn */
void timer_start_at(struct timer *t, usec_t mono_at);
void timer_stop(struct timer *t);
bool timer_is_armed(const struct timer *t);

#endif
