/* GET /v1/campaigns/{id}/pace: how fast a campaign calls, how late, and what holds it back.
 *
 * Which rate binds stands in the buckets that the dispatchers take their tokens from: a bucket holds the
 * instant of its next token, and is gone once that has passed. Of those that stand, the one whose next
 * token is furthest away is the one that calls wait for. A scope at its cap of open calls comes first,
 * for then no token helps. */
#include "base/parse.h"
#include "handlers.h"
#include "render.h"
#include "wire/stream_keys.h"

#define CALLS_MAX 20000
#define NEXT_MAX_US 1e18

enum pace_scope { PACE_CAMPAIGN = 0, PACE_NUMBER, PACE_TRUNK, PACE_WORKSPACE, PACE_SCOPE_COUNT };

static const char *const scope_words[PACE_SCOPE_COUNT] = {
	[PACE_CAMPAIGN] = "campaign",
	[PACE_NUMBER] = "number",
	[PACE_TRUNK] = "trunk",
	[PACE_WORKSPACE] = "workspace",
};

struct pace {
	int64_t rates[PACE_SCOPE_COUNT]; /* PG_NULL_I64 = none */
	int64_t most[PACE_SCOPE_COUNT], open[PACE_SCOPE_COUNT];
	struct str keys[PACE_SCOPE_COUNT];
	enum pace_scope asked[PACE_SCOPE_COUNT]; /* whose buckets were asked for */
	size_t n_asked;
	struct json_out j;
};

static void take_limits(struct pace *p, const struct api_campaign_pace_row *row)
{
	p->rates[PACE_CAMPAIGN] = row->campaign_rate;
	p->rates[PACE_NUMBER] = row->number_rate;
	p->rates[PACE_TRUNK] = PG_NULL_I64;
	p->rates[PACE_WORKSPACE] = row->workspace_rate;
	p->most[PACE_CAMPAIGN] = row->campaign_most;
	p->most[PACE_NUMBER] = row->number_most;
	p->most[PACE_TRUNK] = row->trunk_most;
	p->most[PACE_WORKSPACE] = row->workspace_most;
	p->open[PACE_CAMPAIGN] = row->campaign_open;
	p->open[PACE_NUMBER] = row->number_open;
	p->open[PACE_TRUNK] = row->trunk_open;
	p->open[PACE_WORKSPACE] = row->workspace_open;
}

/* --- the answer ------------------------------------------------------------------------------ */

static void render_limits(struct json_out *j, const struct pace *p)
{
	json_key(j, "limits");
	json_array_begin(j);
	for (size_t i = 0; i < PACE_SCOPE_COUNT; i++) {
		if (p->rates[i] != PG_NULL_I64) {
			json_object_begin(j);
			json_kv_cstr(j, "scope", scope_words[i]);
			json_kv_cstr(j, "kind", "calls_per_minute");
			json_kv_i64(j, "limit", p->rates[i]);
			json_object_end(j);
		}
		if (p->most[i] != PG_NULL_I64) {
			json_object_begin(j);
			json_kv_cstr(j, "scope", scope_words[i]);
			json_kv_cstr(j, "kind", "max_concurrent");
			json_kv_i64(j, "limit", p->most[i]);
			json_kv_i64(j, "in_use", p->open[i]);
			json_object_end(j);
		}
	}
	json_array_end(j);
}

static void render_dials(struct json_out *j, const struct pg_result *rows)
{
	struct api_campaign_dials_row row = { .late_p50_ms = PG_NULL_I64,
					      .late_p99_ms = PG_NULL_I64,
					      .late_max_ms = PG_NULL_I64 };
	if (pg_result_rows(rows) > 0)
		get_api_campaign_dials(rows, 0, &row);
	json_kv_i64(j, "calls_last_minute", row.last_minute);
	json_key(j, "lateness");
	json_object_begin(j);
	json_kv_i64(j, "calls", row.calls);
	render_i64_or_null(j, "p50_ms", row.late_p50_ms);
	render_i64_or_null(j, "p99_ms", row.late_p99_ms);
	render_i64_or_null(j, "max_ms", row.late_max_ms);
	json_object_end(j);
	json_kv_i64(j, "interval_s", row.span_s);
	json_key(j, "intervals");
	json_array_begin(j);
	for (size_t i = 0; i < pg_result_rows(rows); i++) {
		get_api_campaign_dials(rows, i, &row);
		json_object_begin(j);
		json_kv_time(j, "at", row.at);
		json_kv_i64(j, "dials", row.dials);
		json_kv_i64(j, "answered", row.answered);
		json_kv_i64(j, "failed", row.failed);
		json_object_end(j);
	}
	json_array_end(j);
}

/* `scope` is PACE_SCOPE_COUNT where nothing binds. */
static void reply(struct req *r, enum pace_scope scope, const char *kind)
{
	struct pace *p = r->state;
	json_key(&p->j, "binding");
	if (scope == PACE_SCOPE_COUNT) {
		json_null(&p->j);
	} else {
		json_object_begin(&p->j);
		json_kv_cstr(&p->j, "scope", scope_words[scope]);
		json_kv_cstr(&p->j, "kind", kind);
		json_object_end(&p->j);
	}
	json_object_end(&p->j);
	req_reply_json(r, 200);
}

/* --- what binds -------------------------------------------------------------------------------- */

static enum pace_scope full_scope(const struct pace *p)
{
	unsigned i = 0;
	while (i < PACE_SCOPE_COUNT && (p->most[i] == PG_NULL_I64 || p->open[i] < p->most[i]))
		i++;
	return (enum pace_scope)i;
}

/* Without an answer nobody knows, and nothing is said to bind. */
static void on_buckets(struct err e, const struct redis_reply *reply_in, void *arg)
{
	struct req *r = arg;
	const struct pace *p = r->state;
	enum pace_scope best = PACE_SCOPE_COUNT;
	double furthest = 0;
	for (size_t i = 0; !is_err(e) && i < redis_count(reply_in) && i < p->n_asked; i++) {
		double next_us;
		if (is_err(parse_double(redis_str(redis_at(reply_in, i)), 0, NEXT_MAX_US,
					&next_us)))
			continue; /* it is full */
		if (next_us > furthest) {
			furthest = next_us;
			best = p->asked[i];
		}
	}
	reply(r, best, "calls_per_minute");
}

static void ask_buckets(struct req *r, const struct api_campaign_pace_row *row)
{
	static const enum stream_bucket kinds[PACE_SCOPE_COUNT] = {
		[PACE_CAMPAIGN] = STREAM_BUCKET_CAMPAIGN,
		[PACE_NUMBER] = STREAM_BUCKET_NUMBER,
		[PACE_WORKSPACE] = STREAM_BUCKET_WORKSPACE,
	};
	struct pace *p = r->state;
	struct uuid ids[PACE_SCOPE_COUNT] = { [PACE_CAMPAIGN] = r->ids[0],
					      [PACE_NUMBER] = row->number_id,
					      [PACE_WORKSPACE] = r->who.workspace_id };
	struct str argv[PACE_SCOPE_COUNT + 1] = { STR("MGET") };
	for (unsigned i = 0; i < PACE_SCOPE_COUNT; i++) {
		char key[STREAM_KEY_SIZE];
		if (p->rates[i] == PG_NULL_I64)
			continue;
		argv[p->n_asked + 1] = arena_str(
			r->arena, stream_key_bucket((int)row->shard, kinds[i], ids[i], key));
		p->asked[p->n_asked++] = (enum pace_scope)i;
	}
	if (p->n_asked == 0)
		reply(r, PACE_SCOPE_COUNT, NULL);
	else
		redis_command(r->app->redis, &(struct redis_args){ argv, p->n_asked + 1, 0 },
			      &(struct redis_hook){ .done = on_buckets, .arg = r });
}

static void on_read(struct req *r, const struct pg_unit *u)
{
	struct pace *p = r->state;
	struct api_campaign_pace_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_campaign_pace(found, 0, &row);
	take_limits(p, &row);
	req_json(r, &p->j);
	json_object_begin(&p->j);
	json_kv_id(&p->j, "campaign_id", ID_CAMPAIGN, r->ids[0]);
	json_kv_time(&p->j, "at", r->now);
	json_kv_i64(&p->j, "in_flight", row.campaign_open);
	render_dials(&p->j, req_result(r, u, 1));
	render_limits(&p->j, p);
	enum pace_scope full = full_scope(p);
	if (!str_eq(row.status, STR("active")))
		reply(r, PACE_SCOPE_COUNT, NULL);
	else if (full != PACE_SCOPE_COUNT)
		reply(r, full, "max_concurrent");
	else
		ask_buckets(r, &row);
}

void campaigns_pace(struct req *r)
{
	struct uuid ws = r->who.workspace_id;
	struct pg_unit *u = req_read(r);
	r->state = arena_alloc(r->arena, sizeof(struct pace));
	add_api_campaign_pace(u, &(struct api_campaign_pace_args){ .workspace_id = ws,
								   .campaign_id = r->ids[0] });
	add_api_campaign_dials(u, &(struct api_campaign_dials_args){ .workspace_id = ws,
								     .campaign_id = r->ids[0],
								     .most = CALLS_MAX });
	req_submit(r, on_read);
}
