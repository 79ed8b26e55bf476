/* GET /v1/campaigns/{id}/export.csv: the targets in their order. Each page is of its own moment, and
 * rows are never left out nor doubled, since a target keeps its position. */
#include "base/timefmt.h"
#include "domain/csv.h"
#include "handlers.h"
#include "transfers.h"

#define PAGE_ROWS 500

struct filters {
	struct str status, outcome;
};

static void add_page(struct req *r, struct pg_unit *u, int64_t after)
{
	const struct filters *f = r->state;
	add_api_target_export(u,
			      &(struct api_target_export_args){ .workspace_id = r->who.workspace_id,
								.campaign_id = r->ids[0],
								.after = after,
								.most = PAGE_ROWS,
								.status = f->status,
								.outcome = f->outcome });
}

static void put_id(struct strbuf *b, enum id_kind kind, struct uuid id)
{
	char text[ID_TEXT_SIZE];
	if (!uuid_is_nil(id))
		strbuf_add(b, str_from(id_format(kind, id, text)));
	strbuf_add_c(b, ',');
}

static void put_text(struct strbuf *b, struct str s)
{
	csv_put(b, s, true);
	strbuf_add_c(b, ',');
}

static void put_time(struct strbuf *b, usec_t at)
{
	char text[TIMEFMT_SIZE];
	if (at != USEC_NEVER) {
		timefmt_rfc3339(at, text);
		strbuf_add(b, str_from(text));
	}
	strbuf_add_c(b, ',');
}

static void write_row(struct strbuf *b, const struct api_target_export_row *t)
{
	put_id(b, ID_TARGET, t->id);
	/* E.164, as it was let in: no spreadsheet takes a lone number for more than a number */
	csv_put(b, t->to_number, false);
	strbuf_add_c(b, ',');
	put_text(b, t->name);
	put_text(b, t->external_id);
	put_text(b, t->timezone);
	put_text(b, t->status);
	put_text(b, t->outcome);
	strbuf_add_i64(b, t->attempts);
	strbuf_add_c(b, ',');
	put_id(b, ID_CALL, t->call_id);
	put_time(b, t->next_attempt_at);
	put_time(b, t->created_at);
	put_time(b, t->updated_at);
	csv_put(b, t->variables.n == 0 ? STR("{}") : t->variables, true);
	strbuf_add(b, STR("\r\n"));
}

static bool write_page(struct req *r, const struct pg_result *rows, struct strbuf *b,
		       int64_t *after)
{
	struct api_target_export_row row;
	size_t n = pg_result_rows(rows);
	(void)r;
	for (size_t i = 0; i < n; i++) {
		get_api_target_export(rows, i, &row);
		write_row(b, &row);
		*after = row.position;
	}
	return n == PAGE_ROWS;
}

static void on_found(struct req *r, const struct pg_unit *u)
{
	static const struct download_source source = {
		add_page, write_page,
		"id,to_number,name,external_id,timezone,status,outcome,attempts,scheduled_call_id,"
		"next_attempt_at,created_at,updated_at,variables\r\n",
		"targets.csv"
	};
	struct api_campaign_exists_row campaign;
	get_api_campaign_exists(req_result(r, u, 0), 0, &campaign);
	if (campaign.is_there)
		download_start(r, &source);
	else
		req_not_found(r);
}

void campaigns_export(struct req *r)
{
	struct filters *f = arena_alloc(r->arena, sizeof(*f));
	f->status = http_request_query(r->http, "status");
	if (f->status.p != NULL && !targets_is_status(f->status))
		req_query_fault(r, "status", "is none of the values that it may have");
	f->outcome = targets_query_outcome(r);
	r->state = f;
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	add_api_campaign_exists(req_read(r), &(struct api_campaign_exists_args){
						     .workspace_id = r->who.workspace_id,
						     .campaign_id = r->ids[0] });
	req_submit(r, on_found);
}
