/* Campaigns with windows by id, as last read; when there are too many, all are forgotten and read
 * again as they come. */
#include "windows.h"

#include "base/map.h"
#include "base/mem.h"
#include "sys/log.h"
#include "sys/zone_table.h"
#include "wire/calling_windows.h"

#define KNOWN_MAX 512
/* No answer is used for longer, so that a change of the zones' rules is in force soon. */
#define OPEN_MAX_US (600 * USEC_PER_SEC)

struct known {
	struct arena *arena; /* its text */
	usec_t campaign_at;
	struct calling_windows windows;
	struct str campaign_zone;
};

struct windows {
	struct app *app;
	struct zone_table *zones;
	struct timer *refresh;
	struct map by_campaign;
};

static void on_refresh(void *arg)
{
	struct windows *ws = arg;

	if (zone_table_refresh(ws->zones))
		log_info("tzdata_changed", LS("version", zone_table_version(ws->zones)));
	timer_start(ws->refresh, ws->app->settings.zoneinfo_refresh_us);
}

struct err windows_open(struct app *app, struct windows **out)
{
	struct zone_table *zones;

	TRY(zone_table_open(app->settings.zoneinfo, &zones));
	struct windows *ws = xcalloc(1, sizeof(*ws));
	ws->app = app;
	ws->zones = zones;
	map_init(&ws->by_campaign);
	ws->refresh = timer_new(app->loop, on_refresh, ws);
	timer_start(ws->refresh, app->settings.zoneinfo_refresh_us);
	*out = ws;
	return OK;
}

static void known_free(struct known *k)
{
	if (k == NULL)
		return;
	arena_free(k->arena);
	free(k);
}

static void forget_all(struct windows *ws)
{
	struct known *k;

	for (size_t it = 0; (k = map_next(&ws->by_campaign, &it)) != NULL;)
		known_free(k);
	map_deinit(&ws->by_campaign);
	map_init(&ws->by_campaign);
}

void windows_close(struct windows *ws)
{
	if (ws == NULL)
		return;
	forget_all(ws);
	map_deinit(&ws->by_campaign);
	timer_free(ws->refresh);
	zone_table_free(ws->zones);
	free(ws);
}

static const struct zone *zone_of(struct windows *ws, const struct known *k, struct str target_zone)
{
	const struct zone *z = NULL;

	if (k->windows.is_by_target && target_zone.n > 0)
		z = zone_table_find(ws->zones, target_zone);
	else if (!k->windows.is_by_target && k->windows.timezone.n > 0)
		return zone_table_find(ws->zones, k->windows.timezone);
	return z != NULL ? z : zone_table_find(ws->zones, k->campaign_zone);
}

static enum windows_answer judge(const struct known *k, const struct zone *z, struct call *c,
				 usec_t at)
{
	struct window_state s = window_at(&k->windows.window, z, at);

	c->windows_of = k->campaign_at;
	c->open_until = s.is_open ? min_i64(s.until, at + OPEN_MAX_US) : 0;
	c->opens_at = s.is_open ? 0 : s.until;
	return s.is_open ? WINDOWS_OPEN : WINDOWS_CLOSED;
}

void windows_prepare(struct windows *ws, struct call *c)
{
	const struct known *k = map_get(&ws->by_campaign, c->entry.campaign_id);

	if (k == NULL || k->campaign_at != c->windows_of)
		c->open_until = 0;
	c->windows_of = k != NULL ? k->campaign_at : 0;
	if (k == NULL || k->windows.is_by_target)
		return;
	const struct zone *z = zone_of(ws, k, STR_NONE);
	if (z != NULL)
		(void)judge(k, z, c, app_now(ws->app)); /* a closed one the claim refuses */
}

/* What the row says of its campaign's windows; NULL when it cannot be read. */
static const struct known *learn(struct windows *ws, struct uuid campaign_id,
				 const struct claim_calls_row *row)
{
	struct known *k = xcalloc(1, sizeof(*k));

	k->arena = arena_new();
	k->campaign_at = row->campaign_at;
	k->campaign_zone = arena_str(k->arena, row->campaign_timezone);
	struct err e = calling_windows_from_row(row->calling_windows, k->arena, &k->windows);
	if (is_err(e)) {
		log_error("calling_windows_damaged", LID("campaign", ID_CAMPAIGN, campaign_id),
			  LERR(e));
		known_free(k);
		return NULL;
	}
	if (map_count(&ws->by_campaign) >= KNOWN_MAX)
		forget_all(ws);
	known_free(map_remove(&ws->by_campaign, campaign_id));
	map_set(&ws->by_campaign, campaign_id, k);
	return k;
}

enum windows_answer windows_judge(struct windows *ws, struct call *c,
				  const struct claim_calls_row *row)
{
	struct uuid id = c->entry.campaign_id;
	const struct known *k = map_get(&ws->by_campaign, id);

	if (k == NULL || k->campaign_at != row->campaign_at)
		k = row->calling_windows.n > 0 ? learn(ws, id, row) : NULL;
	if (k == NULL)
		return WINDOWS_UNKNOWN;
	const struct zone *z = zone_of(ws, k, row->target_timezone);
	if (z == NULL) {
		log_error("zone_unknown", LID("campaign", ID_CAMPAIGN, id),
			  LS("timezone", k->campaign_zone.p));
		return WINDOWS_UNKNOWN;
	}
	/* By the later of both clocks: the claim compares with Postgres' own. */
	return judge(k, z, c, max_i64(app_now(ws->app), row->claimed_at));
}
