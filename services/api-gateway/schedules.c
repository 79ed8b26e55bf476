/* POST /v1/schedules/preview: when an expression would fire, by the same function that the scheduler
 * plans with. Nothing is stored but the answer under an idempotency key. */
#include <stdio.h>
#include <stdlib.h>

#include "base/timefmt.h"
#include "campaign_input.h"
#include "domain/occurrence.h"
#include "handlers.h"
#include "render.h"

#define COUNT_MAX 100
#define LOCAL_SIZE 64

struct preview {
	struct str cron_text, timezone;
	int64_t count;
	usec_t after;
	struct cron cron;
};

#define AT(member) offsetof(struct preview, member)
#define NO_FLAG .present_offset = SIZE_MAX

static const struct json_field fields[] = {
	{ .name = "cron",
	  .kind = JSON_K_STR,
	  .offset = AT(cron_text),
	  NO_FLAG,
	  .required = true,
	  .min = 0,
	  .max = CAMPAIGN_CRON_MAX },
	{ .name = "timezone",
	  .kind = JSON_K_STR,
	  .offset = AT(timezone),
	  NO_FLAG,
	  .nullable = true },
	{ .name = "count",
	  .kind = JSON_K_I64,
	  .offset = AT(count),
	  NO_FLAG,
	  .nullable = true,
	  .min = 1,
	  .max = COUNT_MAX },
	{ .name = "after", .kind = JSON_K_TIME, .offset = AT(after), NO_FLAG, .nullable = true },
};

/* Local time with its offset. Offsets of odd seconds, all long past, are cut to whole minutes as
 * RFC 3339 has them; the time beside them is not. */
static void render_local(struct json_out *j, usec_t at, int32_t offset_s)
{
	char text[LOCAL_SIZE];
	int year, month, day;
	int64_t local_s = at / USEC_PER_SEC + offset_s;
	int64_t days = local_s / 86400 - (local_s % 86400 < 0);
	int in_day = (int)(local_s - days * 86400), ahead_min = abs(offset_s) / 60;
	date_from_days(days, &year, &month, &day);
	(void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", year, month,
		       day, in_day / 3600, in_day / 60 % 60, in_day % 60, offset_s < 0 ? '-' : '+',
		       ahead_min / 60, ahead_min % 60); /* it fits */
	json_kv_cstr(j, "local", text);
}

static void render_occurrences(struct json_out *j, const struct preview *p, const struct zone *zone)
{
	struct occurrence next = { .at = p->after };
	json_key(j, "occurrences");
	json_array_begin(j);
	for (int64_t i = 0; i < p->count && occurrence_next(&p->cron, zone, next.at, &next); i++) {
		json_object_begin(j);
		json_kv_time(j, "at", next.at);
		render_local(j, next.at, zone_offset_s(zone, next.at));
		json_object_end(j);
	}
	json_array_end(j);
}

static void on_kept(struct req *r, const struct pg_unit *u)
{
	(void)u; /* the answer stands in r->out */
	req_reply_json(r, 200);
}

static void preview(struct req *r, const struct preview *p)
{
	struct json_out j;
	char normal[CRON_NORMAL_SIZE];
	const struct zone *zone = zone_table_find(r->app->zones, p->timezone);
	if (zone == NULL) {
		/* A workspace's own, gone from the database since. */
		req_fault(r, "", "timezone", "invalid_timezone",
			  "the workspace's time zone is not known any more: give one");
		req_fail_validation(r);
		return;
	}
	cron_print(&p->cron, normal);
	req_json(r, &j);
	json_object_begin(&j);
	render_occurrences(&j, p, zone);
	json_kv_cstr(&j, "cron", normal);
	json_kv_str(&j, "timezone", p->timezone);
	json_key(&j, "warnings");
	render_warnings(&j, &p->cron);
	json_object_end(&j);
	if (r->idem_key.p == NULL) {
		req_reply_json(r, 200);
		return;
	}
	(void)req_effect(r); /* it is r->unit */
	req_effect_keep(r, 200, false);
	req_submit(r, on_kept);
}

static void on_workspace(struct req *r, const struct pg_unit *u)
{
	struct preview *p = r->state;
	struct api_workspace_get_row row;
	get_api_workspace_get(req_result(r, u, 0), 0, &row); /* the key refers to it */
	p->timezone = arena_str(r->arena, row.timezone);
	preview(r, p);
}

void schedules_preview(struct req *r)
{
	struct preview *p = arena_alloc(r->arena, sizeof(*p));
	*p = (struct preview){ .count = 5, .after = USEC_NEVER };
	r->state = p;
	req_decode(r, fields, ARRAY_LEN(fields), p);
	if (p->cron_text.p != NULL)
		(void)campaign_input_cron(r, "cron", p->cron_text, &p->cron); /* faults are kept */
	if (p->timezone.p != NULL)
		campaign_input_timezone(r, "", "timezone", p->timezone);
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	if (p->after == USEC_NEVER)
		p->after = r->now;
	if (p->timezone.p != NULL) {
		preview(r, p);
		return;
	}
	add_api_workspace_get(req_read(r), &(struct api_workspace_get_args){
						   .workspace_id = r->who.workspace_id });
	req_submit(r, on_workspace);
}
