/* Reading imports: one, a campaign's, and the errors of one as a file. */
#include "handlers.h"
#include "import_render.h"
#include "import_rows.h"
#include "page.h"
#include "transfers.h"

void import_render(struct json_out *j, const struct api_import_get_row *i)
{
	json_object_begin(j);
	json_kv_id(j, "id", ID_IMPORT, i->id);
	json_kv_id(j, "campaign_id", ID_CAMPAIGN, i->campaign_id);
	json_kv_str(j, "status", i->status);
	json_kv_str(j, "reason", i->reason);
	json_kv_str(j, "default_region", i->default_region);
	json_kv_i64(j, "received", i->received);
	json_kv_i64(j, "inserted", i->inserted);
	json_kv_i64(j, "deduped", i->deduped);
	json_kv_i64(j, "rejected", i->rejected);
	json_kv_i64(j, "bytes", i->bytes);
	json_kv_time(j, "created_at", i->created_at);
	json_kv_time(j, "updated_at", i->updated_at);
	json_kv_time(j, "uploaded_at", i->uploaded_at);
	json_kv_time(j, "completed_at", i->completed_at);
	json_object_end(j);
}

static void add_get(struct req *r)
{
	add_api_import_get(req_read(r),
			   &(struct api_import_get_args){ .workspace_id = r->who.workspace_id,
							  .import_id = r->ids[0] });
}

static void on_got(struct req *r, const struct pg_unit *u)
{
	struct json_out j;
	struct api_import_get_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_import_get(found, 0, &row);
	req_json(r, &j);
	import_render(&j, &row);
	req_reply_json(r, 200);
}

void imports_get(struct req *r)
{
	add_get(r);
	req_submit(r, on_got);
}

static void on_listed(struct req *r, const struct pg_unit *u)
{
	struct page *p = r->state;
	struct api_campaign_exists_row campaign;
	struct api_import_get_row row = { .id = UUID_NIL };
	const struct pg_result *rows = req_result(r, u, 1);
	get_api_campaign_exists(req_result(r, u, 0), 0, &campaign);
	if (!campaign.is_there) {
		req_not_found(r);
		return;
	}
	page_open(r, p, rows);
	for (size_t i = 0; i < p->shown; i++) {
		get_api_import_get(rows, i, &row); /* the list has the same columns */
		import_render(&p->j, &row);
	}
	page_reply(r, p, row.id);
}

void imports_list(struct req *r)
{
	struct page *p = arena_alloc(r->arena, sizeof(*p));
	r->state = p;
	if (!page_begin(r, p))
		return;
	add_api_campaign_exists(req_read(r), &(struct api_campaign_exists_args){
						     .workspace_id = r->who.workspace_id,
						     .campaign_id = r->ids[0] });
	add_api_import_list(r->unit,
			    &(struct api_import_list_args){ .workspace_id = r->who.workspace_id,
							    .campaign_id = r->ids[0],
							    .before = p->before,
							    .most = p->limit + 1 });
	req_submit(r, on_listed);
}

/* --- errors.csv ----------------------------------------------------------------------------- */

static void add_errors(struct req *r, struct pg_unit *u, int64_t after)
{
	add_api_import_errors(u,
			      &(struct api_import_errors_args){ .workspace_id = r->who.workspace_id,
								.import_id = r->ids[0],
								.after = after });
}

static bool write_errors(struct req *r, const struct pg_result *rows, struct strbuf *b,
			 int64_t *after)
{
	struct api_import_errors_row row;
	(void)r;
	if (pg_result_rows(rows) == 0)
		return false;
	get_api_import_errors(rows, 0, &row);
	strbuf_add(b, row.lines);
	*after = row.n;
	return true;
}

static void on_errors_found(struct req *r, const struct pg_unit *u)
{
	static const struct download_source source = { add_errors, write_errors,
						       IMPORT_ERRORS_HEADER, "errors.csv" };
	if (pg_result_rows(req_result(r, u, 0)) == 0)
		req_not_found(r);
	else
		download_start(r, &source);
}

void imports_errors(struct req *r)
{
	add_get(r);
	req_submit(r, on_errors_found);
}
