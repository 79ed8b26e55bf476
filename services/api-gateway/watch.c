/* What a watcher is sent are snapshots: whoever missed some needs only the last. So a slow reader is
 * sent nothing while bytes wait for it, and the newest once they left; and the id of an event is a
 * digest of its snapshot, with which a reconnecting client says what it has seen. */
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/parse.h"
#include "domain/cursor.h"
#include "handlers.h"
#include "queue/control.h"
#include "render.h"
#include "sys/log.h"
#include "transfers.h"

#define LOOK_US USEC_PER_SEC
#define LOOK_SOON_US (50 * USEC_PER_MS) /* messages of one commit come together */
#define HEARTBEAT_US (15 * USEC_PER_SEC)
#define KEYS_US (4 * USEC_PER_SEC) /* as fast as elsewhere a revoked key is noticed */
#define WATCHERS_MAX 2000
#define WATCHERS_PER_WORKSPACE_MAX 1024
#define EVENT_MAX ((size_t)2048)
#define STATUS_MAX 16

/* A campaign that somebody watches. */
struct watched {
	struct uuid workspace_id, id;
	struct list_node node;
	struct list watchers;
	char status[STATUS_MAX];
	uint64_t digest;
	struct strbuf event; /* the last one, whole */
	bool is_over;        /* nothing will change any more */
	bool was_seen;       /* by the last look */
	usec_t mono_sent;
};

struct watcher {
	struct watch_hub *hub;
	struct watched *on;
	struct list_node node;
	struct req *r;
	usec_t mono_written;
	uint64_t digest; /* of what it was sent last */
};

struct watch_hub {
	struct app *app;
	struct control_reader *control;
	struct timer *timer;
	struct map campaigns; /* struct watched by id */
	struct list list;
	size_t n_watchers;
	struct pg_unit *unit;
	bool asks_keys; /* the unit's second statement */
	usec_t mono_keys;
	bool is_soon; /* the timer was hurried */
};

/* --- watchers -------------------------------------------------------------------------------- */

static void drop_campaign(struct watched *c)
{
	strbuf_deinit(&c->event);
	free(c);
}

static void end_watcher(struct watcher *w)
{
	struct watch_hub *h = w->hub;
	struct watched *c = w->on;
	struct req *r = w->r;
	list_remove(&c->watchers, &w->node);
	h->n_watchers--;
	if (list_is_empty(&c->watchers)) {
		(void)map_remove(&h->campaigns, c->id); /* it is c */
		list_remove(&h->list, &c->node);
		drop_campaign(c);
	}
	free(w);
	req_stream_end(r, true);
}

static void end_all(struct watched *c)
{
	size_t n = c->watchers.n; /* with the last one c goes */
	while (n-- > 0)
		end_watcher(CONTAINER_OF(list_first(&c->watchers), struct watcher, node));
}

static void write_text(struct watcher *w, struct str text)
{
	w->mono_written = loop_mono(w->hub->app->loop);
	http_reply_write(w->r->http, text);
}

static void show(struct watcher *w)
{
	if (w->digest == w->on->digest || http_reply_unsent(w->r->http) > 0)
		return;
	w->digest = w->on->digest;
	write_text(w, strbuf_str(&w->on->event));
}

static void on_gone(void *arg)
{
	end_watcher(arg);
}

static void on_drained(void *arg)
{
	struct watcher *w = arg;
	if (http_request_is_gone(w->r->http))
		return; /* on_gone was told */
	show(w);
}

/* --- snapshots ------------------------------------------------------------------------------- */

static void render(struct strbuf *b, const struct api_campaign_watch_row *row)
{
	struct json_out j;
	struct api_campaign_get_row counts = { .total = row->total,
					       .pending = row->pending,
					       .scheduled = row->scheduled,
					       .dispatched = row->dispatched,
					       .failed = row->failed,
					       .skipped = row->skipped };
	json_out_init(&j, b);
	json_object_begin(&j);
	json_kv_id(&j, "campaign_id", ID_CAMPAIGN, row->id);
	json_kv_str(&j, "status", row->status);
	json_kv_str(&j, "status_reason", row->status_reason);
	render_counts(&j, &counts);
	json_kv_time(&j, "updated_at", row->updated_at);
	json_kv_time(&j, "started_at", row->started_at);
	json_kv_time(&j, "completed_at", row->completed_at);
	json_object_end(&j);
}

static bool is_final(const struct api_campaign_watch_row *row)
{
	bool has_ended =
		str_eq(row->status, STR("completed")) || str_eq(row->status, STR("cancelled"));
	return has_ended && row->pending == 0 && row->scheduled == 0;
}

/* Takes a row in; true when it is worth an event now. */
static bool take_row(struct watched *c, const struct api_campaign_watch_row *row, usec_t mono_now)
{
	struct strbuf data;
	strbuf_init(&data, EVENT_MAX);
	render(&data, row);
	uint64_t digest = cursor_filters_add(cursor_filters(), strbuf_str(&data));
	bool is_new_state = !str_eq(row->status, str_from(c->status));
	bool is_due = c->mono_sent == 0 || mono_now - c->mono_sent >= LOOK_US;
	bool shows = digest != c->digest && (is_new_state || is_due);
	c->is_over = is_final(row);
	if (shows) {
		size_t n = min_size(row->status.n, sizeof(c->status) - 1);
		memcpy(c->status, row->status.p, n);
		c->status[n] = '\0';
		c->digest = digest;
		c->mono_sent = mono_now;
		strbuf_reset(&c->event);
		strbuf_addf(&c->event, "id: %016" PRIx64 "\nevent: %s\ndata: ", digest,
			    is_new_state ? "state" : "progress");
		strbuf_add(&c->event, strbuf_str(&data));
		strbuf_add(&c->event, STR("\n\n"));
	}
	strbuf_deinit(&data);
	return shows;
}

static void tell_watchers(struct watched *c)
{
	struct list_node *next;
	for (struct list_node *n = list_first(&c->watchers); n != NULL; n = next) {
		next = list_next(&c->watchers, n);
		show(CONTAINER_OF(n, struct watcher, node));
	}
}

/* --- looking --------------------------------------------------------------------------------- */

static void look(struct watch_hub *h);

static void plan_look(struct watch_hub *h, usec_t in_us)
{
	if (!list_is_empty(&h->list) && h->unit == NULL)
		timer_start(h->timer, in_us);
}

static void send_heartbeats(struct watch_hub *h)
{
	usec_t mono_now = loop_mono(h->app->loop);
	for (struct list_node *n = list_first(&h->list); n != NULL; n = list_next(&h->list, n)) {
		struct watched *c = CONTAINER_OF(n, struct watched, node);
		struct list_node *m = list_first(&c->watchers);
		for (; m != NULL; m = list_next(&c->watchers, m)) {
			struct watcher *w = CONTAINER_OF(m, struct watcher, node);
			if (mono_now - w->mono_written >= HEARTBEAT_US &&
			    http_reply_unsent(w->r->http) == 0)
				write_text(w, STR(": still here\n\n"));
		}
	}
}

/* Ends the streams of keys and sessions that are good no more. */
static void end_keys(struct watch_hub *h, const struct pg_result *over)
{
	struct api_key_over_row row;
	struct list_node *next_campaign, *next;
	for (struct list_node *n = list_first(&h->list); n != NULL; n = next_campaign) {
		struct watched *c = CONTAINER_OF(n, struct watched, node);
		next_campaign = list_next(&h->list, n);
		for (struct list_node *m = list_first(&c->watchers); m != NULL; m = next) {
			struct watcher *w = CONTAINER_OF(m, struct watcher, node);
			bool is_last = (next = list_next(&c->watchers, m)) == NULL;
			for (size_t i = 0; i < pg_result_rows(over); i++) {
				get_api_key_over(over, i, &row);
				if (uuid_eq(row.id, w->r->who.key_id) &&
				    uuid_eq(row.session_id, w->r->who.session_id)) {
					end_watcher(w);
					break;
				}
			}
			if (is_last)
				break; /* with its last watcher c may be gone */
		}
	}
}

static void take_rows(struct watch_hub *h, const struct pg_result *rows)
{
	struct api_campaign_watch_row row;
	struct list_node *next;
	usec_t mono_now = loop_mono(h->app->loop);
	for (size_t i = 0; i < pg_result_rows(rows); i++) {
		get_api_campaign_watch(rows, i, &row);
		struct watched *c = map_get(&h->campaigns, row.id);
		if (c == NULL)
			continue;
		c->was_seen = true;
		if (take_row(c, &row, mono_now))
			tell_watchers(c);
	}
	for (struct list_node *n = list_first(&h->list); n != NULL; n = next) {
		struct watched *c = CONTAINER_OF(n, struct watched, node);
		next = list_next(&h->list, n);
		if (!c->was_seen || c->is_over)
			end_all(c);
	}
}

static void on_looked(struct err e, const struct pg_unit *u, void *arg)
{
	struct watch_hub *h = arg;
	h->unit = NULL;
	loop_refresh_time(h->app->loop);
	if (is_err(e)) {
		log_warn("watch_failed", LERR(e), LS("sqlstate", pg_unit_sqlstate(u)));
	} else {
		take_rows(h, pg_unit_result(u, 0));
		if (h->asks_keys)
			end_keys(h, pg_unit_result(u, 1));
	}
	send_heartbeats(h);
	plan_look(h, h->is_soon ? LOOK_SOON_US : LOOK_US);
}

/* The keys and sessions of all watchers, each once where they stand together. */
static void add_keys(struct watch_hub *h, struct pg_unit *u)
{
	struct arena *a = pg_unit_arena(u);
	struct uuid *ws = arena_array(a, h->n_watchers, sizeof(*ws));
	struct uuid *keys = arena_array(a, h->n_watchers, sizeof(*keys));
	struct uuid *sessions = arena_array(a, h->n_watchers, sizeof(*sessions));
	size_t n = 0;
	for (struct list_node *c = list_first(&h->list); c != NULL; c = list_next(&h->list, c)) {
		struct list *watchers = &CONTAINER_OF(c, struct watched, node)->watchers;
		struct list_node *m = list_first(watchers);
		for (; m != NULL; m = list_next(watchers, m)) {
			const struct principal *who =
				&CONTAINER_OF(m, struct watcher, node)->r->who;
			if (n > 0 && uuid_eq(keys[n - 1], who->key_id) &&
			    uuid_eq(sessions[n - 1], who->session_id))
				continue;
			ws[n] = who->workspace_id;
			sessions[n] = who->session_id;
			keys[n++] = who->key_id;
		}
	}
	add_api_key_over(u, &(struct api_key_over_args){ { ws, n }, { keys, n }, { sessions, n } });
}

static void look(struct watch_hub *h)
{
	struct pg_unit *u = pg_unit_new();
	struct arena *a = pg_unit_arena(u);
	struct uuid *ws = arena_array(a, h->list.n, sizeof(*ws));
	struct uuid *ids = arena_array(a, h->list.n, sizeof(*ids));
	usec_t mono_now = loop_mono(h->app->loop);
	size_t n = 0;
	for (struct list_node *m = list_first(&h->list); m != NULL; m = list_next(&h->list, m)) {
		struct watched *c = CONTAINER_OF(m, struct watched, node);
		c->was_seen = false;
		ws[n] = c->workspace_id;
		ids[n++] = c->id;
	}
	add_api_campaign_watch(u, &(struct api_campaign_watch_args){ { ws, n }, { ids, n } });
	h->asks_keys = mono_now - h->mono_keys >= KEYS_US;
	if (h->asks_keys) {
		h->mono_keys = mono_now;
		add_keys(h, u);
	}
	h->is_soon = false;
	if (is_err(pg_submit(h->app->pg, u, on_looked, h)))
		plan_look(h, LOOK_US);
	else
		h->unit = u;
}

static void on_timer(void *arg)
{
	struct watch_hub *h = arg;
	if (!list_is_empty(&h->list) && h->unit == NULL)
		look(h);
}

static void on_control(const struct control_msg *m, void *arg)
{
	struct watch_hub *h = arg;
	bool is_state = m->kind == CONTROL_CAMPAIGN_CHANGED || m->kind == CONTROL_CAMPAIGN_HELD;
	if (!is_state || h->is_soon || map_get(&h->campaigns, m->campaign_id) == NULL)
		return;
	h->is_soon = true; /* a look that is under way may be too early */
	plan_look(h, LOOK_SOON_US);
}

/* --- GET /v1/campaigns/{id}/stream ----------------------------------------------------------- */

static struct watched *find_campaign(struct watch_hub *h, struct req *r)
{
	struct watched *c = map_get(&h->campaigns, r->ids[0]);
	if (c != NULL)
		return c;
	c = xcalloc(1, sizeof(*c));
	c->workspace_id = r->who.workspace_id;
	c->id = r->ids[0];
	c->was_seen = true;
	list_init(&c->watchers);
	strbuf_init(&c->event, EVENT_MAX);
	map_set(&h->campaigns, c->id, c);
	list_push_back(&h->list, &c->node);
	return c;
}

static void watch(struct req *r, const struct api_campaign_watch_row *row, uint64_t seen)
{
	struct watch_hub *h = r->app->watches;
	struct watcher *w = xcalloc(1, sizeof(*w));
	w->hub = h;
	w->r = r;
	w->on = find_campaign(h, r);
	w->digest = seen;
	h->n_watchers++;
	list_push_back(&w->on->watchers, &w->node);
	http_reply_header(r->http, "X-Accel-Buffering", "no"); /* proxies must not wait for more */
	req_stream_begin(r, "text/event-stream", on_drained, w);
	http_request_on_gone(r->http, on_gone, w);
	write_text(w, STR("retry: 2000\n\n"));
	if (w->on->mono_sent == 0) {
		struct api_campaign_watch_row first = *row;
		(void)take_row(w->on, &first,
			       loop_mono(r->app->loop)); /* the first one always is */
	}
	if (w->digest != w->on->digest) {
		w->digest = w->on->digest;
		write_text(w, strbuf_str(&w->on->event));
	}
	if (http_request_method(r->http) == HTTP_HEAD)
		end_watcher(w);
	else if (!timer_is_armed(h->timer))
		plan_look(h, LOOK_US);
}

static size_t count_watchers(const struct watch_hub *h, struct uuid workspace_id)
{
	size_t n = 0;
	for (struct list_node *m = list_first(&h->list); m != NULL; m = list_next(&h->list, m)) {
		const struct watched *c = CONTAINER_OF(m, struct watched, node);
		if (uuid_eq(c->workspace_id, workspace_id))
			n += c->watchers.n;
	}
	return n;
}

/* The digest in Last-Event-ID; 0 for anything else. */
static uint64_t last_seen(struct req *r)
{
	struct str id = http_request_header(r->http, "Last-Event-ID");
	uint64_t v = 0;
	for (size_t i = 0; i < id.n && id.n == 16; i++) {
		const char *at = id.p[i] == '\0' ? NULL : strchr("0123456789abcdef", id.p[i]);
		if (at == NULL)
			return 0;
		v = v << 4 | (uint64_t)(at - "0123456789abcdef");
	}
	return v;
}

static void on_found(struct req *r, const struct pg_unit *u)
{
	struct watch_hub *h = r->app->watches;
	struct api_campaign_watch_row row;
	const struct pg_result *found = req_result(r, u, 0);
	uint64_t seen = last_seen(r);
	struct strbuf data;
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_campaign_watch(found, 0, &row);
	strbuf_init(&data, EVENT_MAX);
	render(&data, &row);
	bool is_known = cursor_filters_add(cursor_filters(), strbuf_str(&data)) == seen;
	strbuf_deinit(&data);
	if (is_known && is_final(&row))
		req_reply(r, 204, NULL, STR_NONE); /* a browser comes no more */
	else if (h->n_watchers >= WATCHERS_MAX || loop_is_draining(r->app->loop) ||
		 http_request_is_gone(r->http))
		req_fail(r, PROBLEM_OVERLOADED, "Too many streams are open at this time.");
	else if (count_watchers(h, r->who.workspace_id) >= WATCHERS_PER_WORKSPACE_MAX)
		req_fail(r, PROBLEM_RATE_LIMITED, "This workspace has too many streams open.");
	else
		watch(r, &row, seen);
}

void campaigns_watch(struct req *r)
{
	struct uuid *ws = arena_alloc(r->arena, sizeof(*ws));
	*ws = r->who.workspace_id;
	add_api_campaign_watch(req_read(r),
			       &(struct api_campaign_watch_args){ { ws, 1 }, { &r->ids[0], 1 } });
	req_submit(r, on_found);
}

/* --- the hub --------------------------------------------------------------------------------- */

struct err watch_hub_new(struct app *app, struct watch_hub **out)
{
	struct watch_hub *h = xcalloc(1, sizeof(*h));
	h->app = app;
	map_init(&h->campaigns);
	list_init(&h->list);
	h->timer = timer_new(app->loop, on_timer, h);
	*out = h; /* also when it fails: watch_hub_free takes it */
	return control_reader_open(app->loop,
				   &(struct control_reader_options){ .url = app->settings.redis_url,
								     .on_message = on_control,
								     .arg = h },
				   &h->control);
}

void watch_hub_drain(struct watch_hub *h)
{
	struct list_node *n;
	while ((n = list_first(&h->list)) != NULL)
		end_all(CONTAINER_OF(n, struct watched, node));
}

void watch_hub_free(struct watch_hub *h)
{
	if (h == NULL)
		return;
	watch_hub_drain(h);
	if (h->unit != NULL)
		pg_cancel(h->unit);
	if (h->control != NULL)
		control_reader_close(h->control);
	timer_free(h->timer);
	map_deinit(&h->campaigns);
	free(h);
}
