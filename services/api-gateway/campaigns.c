/* Campaigns: get, list, delete. */
#include <stdio.h>
#include <string.h>

#include "gather.h"
#include "handlers.h"
#include "page.h"
#include "render.h"

#define ETAG_SIZE 24

static const char *const kinds[] = { "bulk", "recurring" };
static const char *const statuses[] = { "draft", "active", "paused", "completed", "cancelled" };

const char *campaigns_etag(struct req *r, usec_t updated_at)
{
	char *text = arena_alloc(r->arena, ETAG_SIZE);
	(void)snprintf(text, ETAG_SIZE, "\"%" PRIx64 "\"", (uint64_t)updated_at); /* 16 digits */
	return text;
}

static void set_etag(struct req *r, const struct api_campaign_get_row *row)
{
	http_reply_header(r->http, "ETag", campaigns_etag(r, row->updated_at));
}

static void reply(struct req *r, const struct pg_result *rows, size_t i)
{
	struct json_out j;
	struct api_campaign_get_row row;
	get_api_campaign_get(rows, i, &row);
	set_etag(r, &row);
	req_json(r, &j);
	render_campaign(&j, &row, r->app->zones);
	req_reply_json(r, 200);
}

static void add_get(struct pg_unit *u, struct uuid workspace_id, struct pg_array ids)
{
	add_api_campaign_get(
		u, &(struct api_campaign_get_args){ .workspace_id = workspace_id, .ids = ids });
}

void campaigns_get(struct req *r)
{
	static const struct gather_kind kind = { .add = add_get, .reply = reply };
	gather_read(r, &kind);
}

static void on_listed(struct req *r, const struct pg_unit *u)
{
	struct page *p = r->state;
	struct api_campaign_get_row row = { .kind = STR_NONE };
	const struct pg_result *found = req_result(r, u, 0);
	page_open(r, p, found);
	for (size_t i = 0; i < p->shown; i++) {
		/* The list has the columns of the single one. */
		get_api_campaign_get(found, i, &row);
		render_campaign(&p->j, &row, r->app->zones);
	}
	page_reply(r, p, row.id);
}

void campaigns_list(struct req *r)
{
	struct page *p = arena_alloc(r->arena, sizeof(*p));
	struct str kind = req_query_word(r, "kind", kinds, ARRAY_LEN(kinds));
	struct str status = req_query_word(r, "status", statuses, ARRAY_LEN(statuses));
	struct str q = req_query_text(r, "q", 1);
	r->state = p;
	if (!page_begin(r, p))
		return;
	struct pg_unit *u = req_read(r);
	add_api_campaign_list(u,
			      &(struct api_campaign_list_args){ .workspace_id = r->who.workspace_id,
								.kind = kind,
								.status = status,
								.name_like = req_like(r, q),
								.before = p->before,
								.most = p->limit + 1 });
	req_submit(r, on_listed);
}

/* --- DELETE: drafts only -------------------------------------------------------------------- */

static void on_deleted(struct req *r, const struct pg_unit *u)
{
	struct api_campaign_lock_row was;
	const struct pg_result *locked = req_result(r, u, 0);
	if (pg_result_rows(locked) == 0) {
		req_not_found(r);
		return;
	}
	get_api_campaign_lock(locked, 0, &was);
	if (pg_result_affected(req_result(r, u, 1)) == 0)
		campaigns_fail_state(r, was.status, "Only a draft can be deleted.");
	else
		req_reply(r, 204, NULL, STR_NONE);
}

void campaigns_delete(struct req *r)
{
	struct pg_unit *u = req_read(r);
	struct uuid ws = r->who.workspace_id, id = r->ids[0];
	add_api_campaign_lock(
		u, &(struct api_campaign_lock_args){ .workspace_id = ws, .campaign_id = id });
	add_api_campaign_delete(
		u, &(struct api_campaign_delete_args){ .workspace_id = ws, .campaign_id = id });
	req_submit(r, on_deleted);
}
