/* Election by one key. Two timers: one asks (to take or to renew), one ends a term that was not
 * renewed.
 *
 *   FOLLOWING --taken--> HOLDING --refused, or the term is over--> FOLLOWING
 *
 * A term runs from before the request was sent, by the monotonic clock; Redis counts it from when
 * it got the request. So we believe in it shorter than Redis does, also after we were stopped. */
#include "queue/leader_lock.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "wire/stream_keys.h"

/* A follower asks this often, so that a change takes the rest of the term and no more. */
#define FOLLOW_EVERY_US (500 * USEC_PER_MS)

static const struct redis_script lock_take_lua = { "proto/lua/lock_take.lua" };
static const struct redis_script lock_release_lua = { "proto/lua/lock_release.lua" };

struct leader_lock {
	struct loop *loop;
	struct redis *redis;
	struct leader_lock_options o;
	char key[STREAM_KEY_SIZE];
	char holder[UUID_TEXT_SIZE];
	struct timer *ask_timer, *term_timer;
	bool is_holding;
	bool is_asking;
	bool is_released;
	usec_t mono_asked;
	usec_t mono_until; /* of the term, while holding */
};

bool leader_lock_is_held(const struct leader_lock *k)
{
	/* Not the loop's clock: this process may just have been stopped inside a turn. */
	return k->is_holding && clock_mono() < k->mono_until;
}

static void step_down(struct leader_lock *k, const char *why)
{
	if (!k->is_holding)
		return;
	k->is_holding = false;
	timer_stop(k->term_timer);
	log_warn("lock_lost", LS("lock", k->o.name), LS("reason", why));
	if (k->o.on_lost != NULL)
		k->o.on_lost(k->o.arg);
}

static void on_term_over(void *arg)
{
	step_down(arg, "not renewed in time");
}

static void send_release(struct leader_lock *k)
{
	const struct str argv[] = { str_from(k->key), str_from(k->holder) };
	/* When it gets lost, the key's own end of life does the same. */
	redis_eval(k->redis, &lock_release_lua, &(struct redis_args){ argv, ARRAY_LEN(argv), 1 },
		   NULL);
}

static void on_taken(struct leader_lock *k)
{
	usec_t mono_until = k->mono_asked + k->o.ttl_us;
	if (k->is_released) {
		send_release(k);
		return;
	}
	if (mono_until <= clock_mono()) {
		step_down(k, "the answer came after the term");
		return;
	}
	k->mono_until = mono_until;
	timer_start_at(k->term_timer, mono_until);
	if (k->is_holding)
		return;
	k->is_holding = true;
	log_info("lock_won", LS("lock", k->o.name));
	if (k->o.on_won != NULL)
		k->o.on_won(k->o.arg);
}

/* A holder whose renewal went through may take its time. */
static usec_t ask_every_us(const struct leader_lock *k, bool is_renewed)
{
	usec_t third_us = k->o.ttl_us / 3;
	return is_renewed ? third_us : min_i64(third_us, FOLLOW_EVERY_US);
}

static void on_answer(struct err e, const struct redis_reply *reply, void *arg)
{
	struct leader_lock *k = arg;
	k->is_asking = false;
	e = redis_check(e, reply);
	bool is_ours = !is_err(e) && redis_int(reply) == 1;
	if (!k->is_released)
		timer_start_at(k->ask_timer, k->mono_asked + ask_every_us(k, is_ours));
	/* Last, since its callbacks may free k. A request that failed says nothing: the term goes
	 * on to its end. */
	if (is_ours)
		on_taken(k);
	else if (!is_err(e))
		step_down(k, "somebody else has it");
}

static void ask(void *arg)
{
	struct leader_lock *k = arg;
	if (k->is_asking || k->is_released)
		return;
	char ttl_ms[24];
	int n = snprintf(ttl_ms, sizeof(ttl_ms), "%" PRId64, k->o.ttl_us / USEC_PER_MS);
	const struct str argv[] = { str_from(k->key), str_from(k->holder), { ttl_ms, (size_t)n } };
	k->is_asking = true;
	k->mono_asked = clock_mono();
	redis_eval(
		k->redis, &lock_take_lua, &(struct redis_args){ argv, ARRAY_LEN(argv), 1 },
		&(struct redis_hook){ .done = on_answer, .arg = k, .timeout_us = k->o.ttl_us / 3 });
}

static void on_redis_state(bool is_up, void *arg)
{
	if (is_up)
		ask(arg);
}

struct leader_lock *leader_lock_new(struct loop *l, struct redis *r,
				    const struct leader_lock_options *o)
{
	ASSERT(o->ttl_us >= 10 * USEC_PER_MS);
	struct leader_lock *k = xcalloc(1, sizeof(*k));
	k->loop = l;
	k->redis = r;
	k->o = *o;
	stream_key_lock(o->name, k->key);
	uuid_format(o->holder, k->holder);
	k->ask_timer = timer_new(l, ask, k);
	k->term_timer = timer_new(l, on_term_over, k);
	redis_on_state(r, on_redis_state, k);
	timer_start(k->ask_timer, 0);
	return k;
}

void leader_lock_release(struct leader_lock *k)
{
	k->is_released = true;
	timer_stop(k->ask_timer);
	timer_stop(k->term_timer);
	if (k->is_holding)
		send_release(k);
	k->is_holding = false;
}

void leader_lock_free(struct leader_lock *k)
{
	if (k == NULL)
		return;
	redis_forget(k->redis, k);
	timer_free(k->ask_timer);
	timer_free(k->term_timer);
	loop_defer_free(k->loop, k, free);
}
