/* The public face of a connection: opening, closing, commands, listeners. */
#include "redis/redis.h"

#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "redis/redis_internal.h"

#define DEFAULT_TIMEOUT_US (2 * USEC_PER_SEC)
#define DEFAULT_MAX_PENDING 10000
#define COMMAND_MAX ((size_t)16 << 20)

/* --- a command that is sent at most so often ------------------------------------------------ */

static void send_spaced(void *arg)
{
	struct redis *r = arg;
	r->mono_spaced_at = loop_mono(r->loop);
	strbuf_add(&r->scratch, strbuf_str(&r->spaced));
	redis_submit(r, &(struct redis_pending){ .eval = NULL });
}

void redis_command_spaced(struct redis *r, const struct redis_args *a, usec_t every_us)
{
	strbuf_reset(&r->spaced);
	redis_put_head(&r->spaced, a->n);
	for (size_t i = 0; i < a->n; i++)
		redis_put_bulk(&r->spaced, a->v[i]);
	ASSERT(!strbuf_overflowed(&r->spaced));
	if (r->is_closed || timer_is_armed(r->spaced_timer))
		return;
	if (loop_mono(r->loop) - r->mono_spaced_at >= every_us)
		send_spaced(r);
	else
		timer_start_at(r->spaced_timer, r->mono_spaced_at + every_us);
}

/* --- life ----------------------------------------------------------------------------------- */

struct err redis_open(struct loop *l, const struct redis_options *o, struct redis **out)
{
	struct redis_url url;
	TRY(redis_url_parse(str_from(o->url), &url));
	struct redis *r = xcalloc(1, sizeof(*r));
	r->loop = l;
	r->url = url;
	mem_wipe(&url, sizeof(url));
	if (o->name != NULL) {
		size_t n = min_size(strlen(o->name), sizeof(r->name) - 1);
		memcpy(r->name, o->name, n);
	}
	r->timeout_us = o->timeout_us > 0 ? o->timeout_us : DEFAULT_TIMEOUT_US;
	r->max_pending = o->max_pending > 0 ? o->max_pending : DEFAULT_MAX_PENDING;
	r->connection = 1;
	strbuf_init(&r->scratch, COMMAND_MAX);
	strbuf_init(&r->spaced, 4096);
	if (r->url.is_tls) {
		struct err e = redis_tls_new(&r->url, &r->tls);
		if (is_err(e)) {
			strbuf_deinit(&r->scratch);
			strbuf_deinit(&r->spaced);
			mem_wipe(&r->url, sizeof(r->url));
			free(r);
			return e;
		}
	}
	redis_conn_init(r);
	r->spaced_timer = timer_new(l, send_spaced, r);
	timer_start(r->connect_timer, 0);
	*out = r;
	return OK;
}

void redis_close(struct redis *r)
{
	if (r == NULL)
		return;
	r->is_closed = true;
	redis_conn_deinit(r);
	timer_free(r->spaced_timer);
	redis_fail_sent(r, ERR(ERR_CANCELLED, "the connection to Redis was closed"));
	redis_send_parked(r);
	redis_free_when_done(r);
}

bool redis_is_up(const struct redis *r)
{
	return r->state == REDIS_UP;
}

struct loop *redis_loop(const struct redis *r)
{
	return r->loop;
}

void redis_on_state(struct redis *r, void (*fn)(bool is_up, void *arg), void *arg)
{
	ASSERT(r->n_listeners < REDIS_LISTENERS_MAX);
	r->listeners[r->n_listeners++] = (struct redis_listener){ fn, arg };
}

static void forget_in(struct redis_queue *q, const void *arg)
{
	for (size_t i = 0; i < q->n; i++) {
		struct redis_hook *h = &redis_queue_at(q, i)->hook;
		bool is_owner = h->owner == arg;
		if (!is_owner && h->arg != arg)
			continue;
		if (is_owner && h->drop != NULL)
			h->drop(h->arg);
		*h = (struct redis_hook){ .done = NULL };
	}
}

void redis_forget(struct redis *r, const void *arg)
{
	if (r == NULL || arg == NULL)
		return;
	forget_in(&r->sent, arg);
	forget_in(&r->parked, arg);
	forget_in(&r->failed, arg);
	size_t n = 0;
	for (size_t i = 0; i < r->n_listeners; i++) {
		if (r->listeners[i].arg != arg)
			r->listeners[n++] = r->listeners[i];
	}
	r->n_listeners = n;
}

static const struct redis_hook nobody = { .done = NULL };

/* --- commands ------------------------------------------------------------------------------- */

void redis_command(struct redis *r, const struct redis_args *a, const struct redis_hook *h)
{
	redis_put_head(&r->scratch, a->n);
	for (size_t i = 0; i < a->n; i++)
		redis_put_bulk(&r->scratch, a->v[i]);
	redis_submit(r, &(struct redis_pending){ .hook = h != NULL ? *h : nobody });
}

void redis_commandf(struct redis *r, redis_done_fn done, void *arg, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = redisvFormatCommand(&text, fmt, ap);
	va_end(ap);
	ASSERT(n > 0); /* the format is the caller's literal */
	strbuf_add_bytes(&r->scratch, text, (size_t)n);
	free(text);
	redis_submit(r, &(struct redis_pending){ .hook = { .done = done, .arg = arg } });
}
