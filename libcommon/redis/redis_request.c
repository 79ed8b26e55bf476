/* Requests: how they are written, the three queues they stand in, and how they end. Callbacks fire
 * from the reading of replies (redis_conn.c) or from the flush of failed ones, never inside the
 * call that asked. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>

#include "base/mem.h"
#include "redis/redis_internal.h"

/* What the server has not taken yet, in bytes; more is refused. */
#define OUTPUT_MAX ((size_t)32 << 20)
/* What waits for the next connection, in bytes; more fails as without waiting. */
#define PARKED_MAX ((size_t)8 << 20)

/* --- rings ---------------------------------------------------------------------------------- */

struct redis_pending *redis_queue_at(struct redis_queue *q, size_t i)
{
	ASSERT(i < q->n);
	return &q->v[(q->head + i) & (q->cap - 1)];
}

void redis_queue_push(struct redis_queue *q, const struct redis_pending *p)
{
	if (q->n == q->cap) {
		size_t cap = q->cap == 0 ? 64 : q->cap * 2;
		struct redis_pending *v = xcalloc(cap, sizeof(*v));
		for (size_t i = 0; i < q->n; i++)
			v[i] = *redis_queue_at(q, i);
		free(q->v);
		*q = (struct redis_queue){ .v = v, .n = q->n, .cap = cap };
	}
	q->n++;
	*redis_queue_at(q, q->n - 1) = *p;
}

struct redis_pending redis_queue_pop(struct redis_queue *q)
{
	struct redis_pending p = *redis_queue_at(q, 0);
	q->head = (q->head + 1) & (q->cap - 1);
	q->n--;
	return p;
}

/* --- writing -------------------------------------------------------------------------------- */

static void put_count(struct strbuf *b, char kind, size_t n)
{
	strbuf_add_c(b, kind);
	strbuf_add_i64(b, (int64_t)n);
	strbuf_add(b, STR("\r\n"));
}

void redis_put_head(struct strbuf *b, size_t argc)
{
	put_count(b, '*', argc);
}

void redis_put_bulk(struct strbuf *b, struct str s)
{
	put_count(b, '$', s.n);
	strbuf_add(b, s);
	strbuf_add(b, STR("\r\n"));
}

/* --- the end of a request ------------------------------------------------------------------- */

static void on_flush(void *arg)
{
	struct redis *r = arg;
	r->is_flush_scheduled = false;
	/* Those that fail meanwhile wait for the next round: a caller that asks again at once must
	 * not keep the loop here. */
	for (size_t n = r->failed.n; n > 0 && r->failed.n > 0; n--) {
		struct redis_pending p = redis_queue_pop(&r->failed);
		if (p.hook.done != NULL)
			p.hook.done(p.e, NULL, p.hook.arg);
	}
	if (r->failed.n > 0)
		redis_schedule_flush(r);
	redis_free_when_done(r);
}

void redis_schedule_flush(struct redis *r)
{
	if (r->is_flush_scheduled)
		return;
	r->is_flush_scheduled = true;
	loop_defer(r->loop, on_flush, r);
}

void redis_fail(struct redis *r, const struct redis_pending *p, struct err e)
{
	struct redis_pending copy = *p;
	free(copy.eval);
	copy.eval = NULL;
	copy.e = e;
	if (copy.hook.done == NULL) {
		if (copy.hook.drop != NULL)
			copy.hook.drop(copy.hook.arg);
		return;
	}
	redis_queue_push(&r->failed, &copy);
	redis_schedule_flush(r);
}

void redis_answer(struct redis *r, struct err e, const struct redis_hook *h)
{
	redis_fail(r, &(struct redis_pending){ .hook = *h }, e);
}

static void destroy(void *arg)
{
	struct redis *r = arg;
	free(r->sent.v);
	free(r->parked.v);
	free(r->failed.v);
	strbuf_deinit(&r->scratch);
	strbuf_deinit(&r->spaced);
	redis_tls_free(r->tls);
	mem_wipe(&r->url, sizeof(r->url));
	free(r);
}

void redis_free_when_done(struct redis *r)
{
	if (!r->is_closed || r->is_free_scheduled || r->is_flush_scheduled)
		return;
	r->is_free_scheduled = true;
	loop_defer_free(r->loop, r, destroy);
}

/* --- sending -------------------------------------------------------------------------------- */

void redis_arm_deadline(struct redis *r)
{
	if (r->sent.n == 0)
		return;
	/* Left armed when the oldest is answered, to look at the next one then. So it is set once
	 * in a while and not for every request. */
	usec_t mono_at = redis_queue_at(&r->sent, 0)->mono_deadline;
	if (timer_is_armed(r->deadline_timer) && r->mono_deadline_armed <= mono_at)
		return;
	r->mono_deadline_armed = mono_at;
	timer_start_at(r->deadline_timer, mono_at);
}

static void park_or_fail(struct redis *r, struct redis_pending *p, struct err e)
{
	bool may_wait = p->mono_keep_until > loop_mono(r->loop) && !r->is_closed;
	bool has_room = p->eval != NULL && r->parked.n < r->max_pending &&
			r->parked_bytes + p->eval->n <= PARKED_MAX;
	if (may_wait && has_room) {
		r->parked_bytes += p->eval->n;
		redis_queue_push(&r->parked, p);
	} else {
		redis_fail(r, p, e);
	}
}

static struct err why_not_now(const struct redis *r, bool is_greeting)
{
	if (r->is_closed)
		return ERR(ERR_CANCELLED, "the connection to Redis was closed");
	if (r->bev == NULL || (r->state != REDIS_UP && !is_greeting))
		return ERR(ERR_UNAVAILABLE, "Redis is away");
	size_t waiting = evbuffer_get_length(bufferevent_get_output(r->bev));
	if (r->sent.n >= r->max_pending || waiting + r->scratch.n > OUTPUT_MAX)
		return ERR(ERR_OVERLOADED, "too much is under way to Redis");
	if (strbuf_overflowed(&r->scratch))
		return ERR(ERR_TOO_LARGE, "the command for Redis is too large");
	return OK;
}

void redis_submit(struct redis *r, struct redis_pending *p)
{
	struct err e = why_not_now(r, p->is_greeting);
	if (!is_err(e) && bufferevent_write(r->bev, r->scratch.p, r->scratch.n) != 0)
		e = ERR(ERR_UNAVAILABLE, "the connection to Redis takes nothing");
	if (is_err(e)) {
		park_or_fail(r, p, e);
	} else {
		usec_t timeout_us = p->hook.timeout_us > 0 ? p->hook.timeout_us : r->timeout_us;
		p->mono_deadline = loop_mono(r->loop) + timeout_us;
		redis_queue_push(&r->sent, p);
		redis_arm_deadline(r);
	}
	strbuf_reset(&r->scratch);
}

void redis_fail_sent(struct redis *r, struct err head)
{
	struct err e = head;
	for (size_t n = r->sent.n; n > 0; n--) {
		struct redis_pending p = redis_queue_pop(&r->sent);
		if (!p.is_greeting)
			park_or_fail(r, &p, e);
		if (!r->is_closed)
			e = ERR(ERR_UNAVAILABLE, "the connection to Redis was lost");
	}
}

void redis_send_parked(struct redis *r)
{
	for (size_t n = r->parked.n; n > 0; n--) {
		struct redis_pending p = redis_queue_pop(&r->parked);
		r->parked_bytes -= p.eval->n;
		if (r->is_closed || p.mono_keep_until <= loop_mono(r->loop)) {
			redis_fail(r, &p,
				   r->is_closed ? ERR(ERR_CANCELLED, "the connection was closed")
						: ERR(ERR_TIMEOUT, "Redis was away too long"));
		} else if (r->state != REDIS_UP) {
			park_or_fail(r, &p, ERR(ERR_UNAVAILABLE, "Redis is away"));
		} else {
			redis_eval_write(r, p.eval, false);
			redis_submit(r, &p);
		}
	}
}
