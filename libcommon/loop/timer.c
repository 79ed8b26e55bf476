/* Timers: one heap and one timerfd for all of them. The descriptor is set once a turn at most, to
 * the absolute instant of the heap's head, so starting and stopping a timer costs no system call,
 * and epoll's millisecond never rounds an instant. Its event has the first priority: what is due
 * runs before the I/O that came in meanwhile. */
#include "loop/loop_impl.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/metrics.h"

struct timer {
	struct heap_node node;
	struct loop *loop;
	loop_fn fn;
	void *arg;
};

static void run_due(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	uint64_t expirations;

	(void)what;
	/* Only empties the descriptor: the heap knows what is due. */
	if (read(fd, &expirations, sizeof(expirations)) < 0)
		expirations = 0;
	l->mono_armed = 0;
	loop_refresh_time(l);
	usec_t now = loop_mono(l);
	/* A timer started by one of these waits for the next turn, or two that start each other
	 * would never let any I/O happen. */
	uint64_t end = l->timers.next_seq;
	struct heap_node *node;
	while ((node = heap_min(&l->timers)) != NULL && node->at <= now && node->seq < end) {
		struct timer *t = CONTAINER_OF(node, struct timer, node);
		usec_t at = node->at;
		heap_remove(&l->timers, node);
		if (l->lag != NULL)
			histogram_observe(l->lag, now - at);
		t->fn(t->arg); /* may free t */
	}
}

void loop_timers_init(struct loop *l)
{
	heap_init(&l->timers);
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	ASSERT(l->timer_fd >= 0);
	l->timer_event = event_new(l->base, l->timer_fd, EV_READ | EV_PERSIST, run_due, l);
	ASSERT(l->timer_event != NULL);
	ASSERT(event_priority_set(l->timer_event, 0) == 0);
	ASSERT(event_add(l->timer_event, NULL) == 0);
}

void loop_timers_deinit(struct loop *l)
{
	event_free(l->timer_event);
	close(l->timer_fd);
	heap_deinit(&l->timers);
}

void loop_timers_arm(struct loop *l)
{
	const struct heap_node *head = heap_min(&l->timers);
	/* Zero would disarm; the past fires at once. */
	usec_t want = head == NULL ? 0 : max_i64(head->at, 1);

	if (want == l->mono_armed)
		return;
	struct itimerspec spec = { .it_value = { .tv_sec = (time_t)(want / USEC_PER_SEC),
						 .tv_nsec = (long)(want % USEC_PER_SEC) * 1000 } };
	ASSERT(timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
	l->mono_armed = want;
}

struct timer *timer_new(struct loop *l, loop_fn fn, void *arg)
{
	struct timer *t = xcalloc(1, sizeof(*t));

	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	return t;
}

void timer_free(struct timer *t)
{
	if (t == NULL)
		return;
	heap_remove(&t->loop->timers, &t->node);
	free(t);
}

void timer_start(struct timer *t, usec_t in_us)
{
	usec_t at;

	/* From this very moment, not from the turn's: a long turn must not make a timer early. */
	if (!add_checked(clock_mono(), max_i64(in_us, 0), &at))
		at = USEC_NEVER;
	timer_start_at(t, at);
}

void timer_start_at(struct timer *t, usec_t mono_at)
{
	heap_push(&t->loop->timers, &t->node, mono_at);
}

void timer_stop(struct timer *t)
{
	heap_remove(&t->loop->timers, &t->node);
}

bool timer_is_armed(const struct timer *t)
{
	return t->node.pos != 0;
}
