/* One queue per trunk; a timer wakes it when time alone keeps it shut. */
#include "trunks.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/metrics.h"

#define TRUNKS_MAX 10000
#define SETTINGS_MAX ((size_t)64 * 1024)
#define BURST_US (100 * USEC_PER_MS)
#define THROTTLE_MAX_US (300 * USEC_PER_SEC)
#define FIRST_CHECK_US (100 * USEC_PER_MS)

struct trunk {
	struct trunks *trunks;
	struct uuid id;
	struct arena *arena; /* of the settings */
	char *text;          /* the settings as they came */
	struct sip_trunk s;
	struct ua_tls tls;
	bool is_known, is_at_fault;
	struct list waiting;
	int64_t inside;
	usec_t mono_next;            /* calls per second: when the next one may go */
	usec_t mono_throttled_until; /* 0 = not */
	struct timer *gate;
	enum dialer_trunk_state state;
	usec_t told_at; /* wall clock: when it was first said that it stands so */
	bool is_state_told;
	struct timer *keep_alive;
	struct ua_ping *ping;
	int64_t *up, *calls; /* gauges */
};

struct trunks {
	struct loop *loop;
	struct ua *ua;
	struct metrics *metrics;
	trunk_state_fn fn;
	void *arg;
	struct map by_id;
};

/* --- state ----------------------------------------------------------------------------------- */

static enum dialer_trunk_state state_of(const struct trunk *t, usec_t *until_out)
{
	usec_t left = t->mono_throttled_until - loop_mono(t->trunks->loop);
	bool is_throttled = t->mono_throttled_until != 0 && left > 0;

	*until_out = 0;
	if (t->state != DIALER_TRUNK_UP || !is_throttled)
		return t->state;
	*until_out = clock_now() + left;
	return DIALER_TRUNK_THROTTLED;
}

static void tell_state(const struct trunk *t)
{
	struct dialer_event ev = { .kind = DIALER_EV_TRUNK, .id = t->id, .t_us = t->told_at };

	ev.trunk.state = state_of(t, &ev.trunk.until);
	t->trunks->fn(&ev, t->trunks->arg);
}

static void set_state(struct trunk *t, enum dialer_trunk_state s, int status)
{
	if (t->state == s && t->is_state_told)
		return;
	log_info(s == DIALER_TRUNK_UP ? "trunk_up" : "trunk_down", LID("trunk", ID_TRUNK, t->id),
		 LI("sip", status));
	t->state = s;
	t->told_at = clock_now();
	t->is_state_told = true;
	tell_state(t);
}

/* Any answer shows that someone is there, but 503 and 408 say that nobody is behind. */
static bool is_there(int status)
{
	return status != 0 && status != 503 && status != 408;
}

static void on_pong(const struct ua_pong *p, void *arg)
{
	struct trunk *t = arg;

	ua_ping_free(t->ping);
	t->ping = NULL;
	set_state(t, is_there(p->status) ? DIALER_TRUNK_UP : DIALER_TRUNK_DOWN, p->status);
	if (t->s.keep_alive_us > 0)
		timer_start(t->keep_alive, t->s.keep_alive_us);
}

static void check(void *arg)
{
	struct trunk *t = arg;
	struct strbuf uri;

	if (!t->is_known || t->is_at_fault || t->ping)
		return;
	strbuf_init(&uri, 1024);
	trunk_uri(&t->s, STR_NONE, true, &uri);
	struct ua_ping_options o = {
		.uri = strbuf_str(&uri).p, .tls = trunk_tls(t), .fn = on_pong, .arg = t
	};
	struct err e = ua_ping_new(t->trunks->ua, &o, &t->ping);
	strbuf_deinit(&uri);
	if (is_err(e))
		on_pong(&(struct ua_pong){ .status = 0 }, t);
}

/* --- the gate -------------------------------------------------------------------------------- */

/* When the next call may go, on the monotonic clock; USEC_NEVER when time alone does not open. */
static usec_t opens_at(const struct trunk *t)
{
	if (!t->is_known || (t->s.max_concurrent > 0 && t->inside >= t->s.max_concurrent))
		return USEC_NEVER;
	return max_i64(t->mono_throttled_until, t->s.calls_per_second > 0 ? t->mono_next : 0);
}

static void let_in(struct trunk *t, usec_t now)
{
	struct trunk_ticket *k =
		CONTAINER_OF(list_pop_front(&t->waiting), struct trunk_ticket, node);

	if (t->s.calls_per_second > 0) {
		usec_t gap = (usec_t)((double)USEC_PER_SEC / t->s.calls_per_second);
		t->mono_next = max_i64(t->mono_next, now - BURST_US) + gap;
	}
	t->inside++;
	k->is_inside = true;
	k->fn(k);
}

static void pump(void *arg)
{
	struct trunk *t = arg;
	usec_t now = loop_mono(t->trunks->loop), at = USEC_NEVER;

	while (!list_is_empty(&t->waiting) && (at = opens_at(t)) <= now)
		let_in(t, now);
	if (!list_is_empty(&t->waiting) && at != USEC_NEVER)
		timer_start_at(t->gate, at);
}

void trunk_enter(struct trunk *t, struct trunk_ticket *k, trunk_enter_fn fn)
{
	k->trunk = t;
	k->fn = fn;
	list_push_back(&t->waiting, &k->node);
	pump(t);
}

void trunk_leave(struct trunk_ticket *k)
{
	struct trunk *t = k->trunk;

	if (!t)
		return;
	list_remove(&t->waiting, &k->node);
	k->trunk = NULL;
	if (!k->is_inside)
		return;
	k->is_inside = false;
	t->inside--;
	if (!list_is_empty(&t->waiting))
		timer_start(t->gate, 0);
}

void trunk_throttle(struct trunk *t, usec_t for_us)
{
	usec_t until = loop_mono(t->trunks->loop) + min_i64(for_us, THROTTLE_MAX_US);

	if (until <= t->mono_throttled_until)
		return;
	t->mono_throttled_until = until;
	t->told_at = clock_now();
	tell_state(t);
}

/* --- settings -------------------------------------------------------------------------------- */

static void measure(struct trunk *t)
{
	struct metrics *m = t->trunks->metrics;
	char text[ID_TEXT_SIZE];
	const struct metric_label trunk = { "trunk", id_format(ID_TRUNK, t->id, text) };

	t->up = metrics_gauge(m, &(struct metric){ .name = "belfry_trunk_up",
						   .help = "Whether the trunk's carrier answers.",
						   .labels = { trunk } });
	t->calls = metrics_gauge(m, &(struct metric){ .name = "belfry_trunk_calls",
						      .help = "Calls that the trunk carries.",
						      .labels = { trunk } });
}

static struct trunk *new_trunk(struct trunks *ts, struct uuid id)
{
	struct trunk *t = xcalloc(1, sizeof(*t));

	t->trunks = ts;
	t->id = id;
	list_init(&t->waiting);
	t->gate = timer_new(ts->loop, pump, t);
	t->keep_alive = timer_new(ts->loop, check, t);
	t->state = DIALER_TRUNK_DOWN; /* until it has answered */
	map_set(&ts->by_id, id, t);
	measure(t);
	return t;
}

struct trunk *trunks_get(struct trunks *ts, struct uuid id)
{
	struct trunk *t = map_get(&ts->by_id, id);

	return t || map_count(&ts->by_id) >= TRUNKS_MAX ? t : new_trunk(ts, id);
}

static bool decode(struct str text, struct arena *a, struct sip_trunk *out)
{
	struct json_faults *faults = xcalloc(1, sizeof(*faults));
	struct json_doc *doc = NULL;
	struct json_limits limits = { .max_bytes = SETTINGS_MAX, .max_depth = 32 };
	struct err e = json_parse(text, limits, &doc, NULL);
	bool is_good = !is_err(e) && sip_trunk_decode(json_doc_root(doc), "", a, faults, out);

	if (!is_good)
		log_error("trunk_settings_refused",
			  LS("member", faults->n > 0 ? faults->v[0].pointer : ""),
			  LS("reason", faults->n > 0 ? faults->v[0].detail : "not JSON"));
	json_doc_free(doc);
	free(faults);
	return is_good;
}

/* The certificate must name the host that the settings name, whatever DNS made of it. */
static void set_tls(struct trunk *t)
{
	struct strbuf uri;

	strbuf_init(&uri, 1024);
	trunk_uri(&t->s, STR_NONE, false, &uri);
	struct str host =
		t->s.verify_host.n > 0 ? t->s.verify_host : sip_uri_host(strbuf_str(&uri));
	t->tls = (struct ua_tls){ .ca = t->s.ca.p, .host = arena_cstr(t->arena, host) };
	strbuf_deinit(&uri);
}

const struct ua_tls *trunk_tls(const struct trunk *t)
{
	return t->s.transport == SIP_TLS ? &t->tls : NULL;
}

void trunks_set(struct trunks *ts, struct uuid id, struct str settings)
{
	struct trunk *t = trunks_get(ts, id);

	if (!t) {
		log_error("trunks_full", LI("max", TRUNKS_MAX));
		return;
	}
	if (t->text && str_eq(settings, str_from(t->text))) {
		if (t->is_state_told)
			tell_state(t);
		return;
	}
	arena_free(t->arena);
	free(t->text);
	t->arena = arena_new();
	t->text = xstrndup(settings);
	t->s = (struct sip_trunk){ .max_concurrent = 0 };
	t->is_known = !str_eq(settings, STR("{}")); /* nothing: it was deleted */
	t->is_at_fault = t->is_known && !decode(settings, t->arena, &t->s);
	t->is_state_told = false;
	ua_ping_free(t->ping);
	t->ping = NULL;
	timer_stop(t->keep_alive);
	if (t->is_known && !t->is_at_fault)
		set_tls(t);
	if (!t->is_known || t->is_at_fault)
		set_state(t, DIALER_TRUNK_DOWN, 0);
	else if (t->s.keep_alive_us > 0)
		timer_start(t->keep_alive, FIRST_CHECK_US);
	else
		set_state(t, DIALER_TRUNK_UP, 0); /* nobody asks: it is taken to be there */
	pump(t);
}

struct trunk *trunks_find(const struct trunks *ts, struct uuid id)
{
	return map_get(&ts->by_id, id);
}

bool trunks_heard(struct trunks *ts, struct uuid id, int status)
{
	struct trunk *t = trunks_find(ts, id);

	if (t && trunk_settings(t) && t->s.keep_alive_us > 0)
		set_state(t, is_there(status) ? DIALER_TRUNK_UP : DIALER_TRUNK_DOWN, status);
	return is_there(status);
}

enum dialer_trunk_state trunks_state(const struct trunks *ts, struct uuid id, usec_t *until_out)
{
	const struct trunk *t = trunks_find(ts, id);

	*until_out = 0;
	return t ? state_of(t, until_out) : DIALER_TRUNK_DOWN;
}

const struct sip_trunk *trunk_settings(const struct trunk *t)
{
	return t && t->is_known && !t->is_at_fault ? &t->s : NULL;
}

bool trunk_is_at_fault(const struct trunk *t)
{
	return t->is_known && t->is_at_fault;
}

void trunk_uri(const struct sip_trunk *s, struct str user, bool with_transport, struct strbuf *out)
{
	static const char *const params[SIP_TRANSPORT_COUNT] = { ";transport=udp", ";transport=tcp",
								 ";transport=tls", "" };

	strbuf_add(out, STR("sip:"));
	if (user.n > 0) {
		strbuf_add(out, user);
		strbuf_add_c(out, '@');
	}
	strbuf_add(out, s->host);
	if (with_transport)
		strbuf_add(out, str_from(params[s->transport]));
}

static void collect(void *arg)
{
	const struct trunks *ts = arg;
	struct trunk *t;

	for (size_t it = 0; (t = map_next(&ts->by_id, &it)) != NULL;) {
		*t->up = t->is_known ? t->state == DIALER_TRUNK_UP : METRIC_ABSENT;
		*t->calls = t->is_known ? t->inside : METRIC_ABSENT;
	}
}

struct trunks *trunks_new(struct loop *l, struct ua *u, trunk_state_fn fn, void *arg,
			  struct metrics *m)
{
	struct trunks *ts = xcalloc(1, sizeof(*ts));

	ts->loop = l;
	ts->ua = u;
	ts->fn = fn;
	ts->arg = arg;
	ts->metrics = m;
	map_init(&ts->by_id);
	metrics_on_collect(m, collect, ts);
	return ts;
}

void trunks_free(struct trunks *ts)
{
	struct trunk *t;

	if (!ts)
		return;
	for (size_t it = 0; (t = map_next(&ts->by_id, &it)) != NULL;) {
		ua_ping_free(t->ping);
		timer_free(t->gate);
		timer_free(t->keep_alive);
		arena_free(t->arena);
		if (t->text)
			mem_wipe(t->text, strlen(t->text));
		free(t->text);
		free(t);
	}
	map_deinit(&ts->by_id);
	free(ts);
}
