/* One statement a second, a page at a time. A page begins a little before the last change that was
 * seen, since a change counts from its transaction's beginning and shows at its end; so what was told
 * is remembered by its instant. */
#include "trunks.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "link.h"
#include "store_gen.h"
#include "sys/log.h"
#include "wire/trunk_secret.h"

#define POLL_US (1 * USEC_PER_SEC)
#define OVERLAP_US (5 * USEC_PER_SEC)
#define PAGE 500
#define SETTINGS_MAX ((size_t)64 * 1024)

struct told {
	usec_t updated_at;
};

struct trunks {
	struct app *app;
	struct secretbox *box; /* NULL = no keys */
	struct timer *timer;
	struct strbuf text;
	struct map told; /* by trunk */
	usec_t seen_at;  /* the newest change that was told */
	bool is_asking;
	bool is_anew; /* what comes is told from the beginning */
};

static bool is_news(struct trunks *ts, const struct dispatcher_trunks_row *row)
{
	struct told *t = map_get(&ts->told, row->id);

	if (t && t->updated_at == row->updated_at)
		return false;
	if (!t) {
		t = xcalloc(1, sizeof(*t));
		map_set(&ts->told, row->id, t);
	}
	t->updated_at = row->updated_at;
	return true;
}

static void forget_told(struct trunks *ts)
{
	struct told *t;

	for (size_t it = 0; (t = map_next(&ts->told, &it)) != NULL;)
		free(t);
	map_deinit(&ts->told);
	map_init(&ts->told);
}

struct err trunks_tell_one(struct trunks *ts, struct link *l, const struct trunk_sealed *t)
{
	struct err e = OK;

	strbuf_reset(&ts->text);
	if (t->secret.n > 0 && !ts->box)
		e = ERR(ERR_INVALID, "the trunk has secrets and there is no BELFRY_SECRET_KEYS");
	if (!is_err(e))
		e = trunk_secret_join(ts->box, t->id, t->settings, t->secret, &ts->text);
	if (!is_err(e) && !link_trunk(l, t->id, strbuf_str(&ts->text)))
		e = ERR(ERR_OVERLOADED, "the dialer's socket has no room");
	if (ts->text.p)
		mem_wipe(ts->text.p, ts->text.n);
	return e;
}

static void tell(struct trunks *ts, const struct dispatcher_trunks_row *row)
{
	struct link *l = links_find(ts->app->links, row->dialer);

	if (!link_wants_trunks(l) || !is_news(ts, row))
		return;
	struct err e = trunks_tell_one(ts, l,
				       &(struct trunk_sealed){ .id = row->id,
							       .settings = row->settings,
							       .secret = row->secret });
	if (is_err(e) && e.code == ERR_OVERLOADED)
		ts->is_anew = true; /* it is all said again */
	else if (is_err(e))
		log_error("trunk_not_told", LID("trunk", ID_TRUNK, row->id), LERR(e));
}

static void on_rows(struct err e, const struct pg_unit *u, void *arg)
{
	struct trunks *ts = arg;

	ts->is_asking = false;
	if (is_err(e)) {
		if (e.code != ERR_CANCELLED)
			log_warn("trunks_failed", LERR(e), LS("message", pg_unit_message(u)));
		return;
	}
	const struct pg_result *r = pg_unit_result(u, 0);
	size_t n = pg_result_rows(r);
	for (size_t i = 0; i < n; i++) {
		struct dispatcher_trunks_row row;
		get_dispatcher_trunks(r, i, &row);
		tell(ts, &row);
		ts->seen_at = row.updated_at;
	}
	if (n == PAGE)
		timer_start(ts->timer, 0);
}

static void on_timer(void *arg)
{
	struct trunks *ts = arg;
	struct app *app = ts->app;
	struct str names[LINKS_MAX];
	size_t n = links_with(app->links, DIALER_CAP_TRUNKS, names);

	timer_start(ts->timer, POLL_US);
	if (n == 0 || ts->is_asking || app->is_closing)
		return;
	if (ts->is_anew) {
		ts->seen_at = 0;
		forget_told(ts);
	}
	ts->is_anew = false;
	struct pg_unit *u = pg_unit_new();
	add_dispatcher_trunks(
		u, &(struct dispatcher_trunks_args){ .dialers = { names, n },
						     .since = max_i64(0, ts->seen_at - OVERLAP_US),
						     .most = PAGE });
	if (!is_err(pg_submit(app->record_pg, u, on_rows, ts)))
		ts->is_asking = true;
}

void trunks_tell_all(struct trunks *ts)
{
	ts->is_anew = true;
	timer_start(ts->timer, 0);
}

struct err trunks_open(struct app *app, struct trunks **out)
{
	struct trunks *ts = xcalloc(1, sizeof(*ts));
	struct err e = OK;

	ts->app = app;
	strbuf_init(&ts->text, SETTINGS_MAX);
	map_init(&ts->told);
	if (app->settings.secret_keys[0] != '\0')
		e = secretbox_new(str_from(app->settings.secret_keys), &ts->box);
	if (is_err(e)) {
		trunks_close(ts);
		return e;
	}
	ts->timer = timer_new(app->loop, on_timer, ts);
	timer_start(ts->timer, 0);
	*out = ts;
	return OK;
}

void trunks_close(struct trunks *ts)
{
	if (ts == NULL)
		return;
	timer_free(ts->timer);
	secretbox_free(ts->box);
	forget_told(ts);
	map_deinit(&ts->told);
	strbuf_deinit(&ts->text);
	free(ts);
}
