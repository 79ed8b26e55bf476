/* Inside of the loop, shared by its .c files only. */
#ifndef BELFRY_LOOP_LOOP_IMPL_H
#define BELFRY_LOOP_LOOP_IMPL_H

#include "base/heap.h"
#include "loop/loop.h"

struct event;

/* The clocks of one turn, read when the turn first asks for them: nothing runs between the wait
 * and the first callback, so the reading is as fresh as one made right after the wait. */
struct loop_time {
	bool is_read;
	usec_t now;
	usec_t mono;
	usec_t mono_started; /* the first reading of the turn */
};

struct loop_job {
	loop_fn fn;
	void *arg;
};

struct loop_queue {
	struct loop_job *v;
	size_t n, cap;
};

struct loop {
	struct event_base *base;
	struct loop_time *time;
	struct loop_queue jobs;  /* run after the callbacks of a turn, in order */
	struct loop_queue spare; /* the memory of the queue that ran last */
	bool is_stopped;
	int exit_code;

	struct heap timers;
	int timer_fd;
	usec_t mono_armed; /* what timer_fd is set to; 0 = not set */
	struct event *timer_event;

	struct event *on_term, *on_int;
	struct timer *drain_timer;
	usec_t drain_timeout_us;
	loop_fn drain_fn;
	void *drain_arg;
	bool is_draining;
	usec_t mono_slow_logged;
	struct histogram *turn, *lag; /* may be NULL */
};

/* timer.c */
void loop_timers_init(struct loop *l);
void loop_timers_deinit(struct loop *l);
void loop_timers_arm(struct loop *l); /* before each wait */

#endif
