/* Scheduled calls: lists in two steps, first the ids of the page, then the calls with their attempts
 * in one unit, so that calls and attempts agree. */
#include "base/parse.h"
#include "base/timefmt.h"
#include "handlers.h"
#include "page.h"
#include "render.h"

static const char *const statuses[] = { "scheduled", "dialing", "dispatched", "failed",
					"cancelled" };

struct call_state {
	struct page page;
	struct uuid *ids;
	size_t n;
	bool has_more;
};

static void add_calls(struct req *r, struct pg_array ids)
{
	add_api_call_get(r->unit, &(struct api_call_get_args){ .workspace_id = r->who.workspace_id,
							       .ids = ids });
	add_api_attempt_list(r->unit,
			     &(struct api_attempt_list_args){ .workspace_id = r->who.workspace_id,
							      .call_ids = ids });
}

/* --- one ------------------------------------------------------------------------------------ */

void calls_render(struct req *r, const struct api_call_get_row *c, const struct pg_result *attempts)
{
	struct json_out j;
	size_t at = 0;
	req_json(r, &j);
	render_call_open(&j, c, attempts, &at);
	render_conversation(&j, c);
	json_object_end(&j);
}

void calls_add_read(struct req *r)
{
	add_calls(r, (struct pg_array){ r->ids, 1 });
}

static void on_got(struct req *r, const struct pg_unit *u)
{
	struct api_call_get_row row;
	const struct pg_result *calls = req_result(r, u, 0);
	if (pg_result_rows(calls) == 0) {
		req_not_found(r);
		return;
	}
	get_api_call_get(calls, 0, &row);
	calls_render(r, &row, req_result(r, u, 1));
	req_reply_json(r, 200);
}

void calls_get(struct req *r)
{
	(void)req_read(r); /* it is r->unit */
	calls_add_read(r);
	req_submit(r, on_got);
}

/* --- lists ---------------------------------------------------------------------------------- */

static void on_page(struct req *r, const struct pg_unit *u)
{
	struct call_state *s = r->state;
	struct api_call_get_row row = { .id = UUID_NIL };
	const struct pg_result *calls = req_result(r, u, 0), *attempts = req_result(r, u, 1);
	size_t at = 0;
	page_open(r, &s->page, calls);
	for (size_t i = 0; i < s->page.shown; i++) {
		get_api_call_get(calls, i, &row);
		render_call_open(&s->page.j, &row, attempts, &at);
		json_object_end(&s->page.j);
	}
	s->page.has_more = s->has_more;
	page_reply(r, &s->page, s->n == 0 ? UUID_NIL : s->ids[s->n - 1]);
}

static void read_page(struct req *r, const struct pg_result *ids)
{
	struct call_state *s = r->state;
	size_t n = pg_result_rows(ids);
	s->has_more = n > (size_t)s->page.limit;
	s->n = s->has_more ? (size_t)s->page.limit : n;
	s->ids = arena_array(r->arena, s->n + 1, sizeof(*s->ids));
	for (size_t i = 0; i < s->n; i++) {
		struct api_call_ids_row row; /* both lists of ids have this column */
		get_api_call_ids(ids, i, &row);
		s->ids[i] = row.id;
	}
	(void)req_read(r); /* it is r->unit */
	add_calls(r, (struct pg_array){ s->ids, s->n });
	req_submit(r, on_page);
}

static void on_ids(struct req *r, const struct pg_unit *u)
{
	read_page(r, req_result(r, u, 0));
}

static void on_campaign_ids(struct req *r, const struct pg_unit *u)
{
	struct api_campaign_exists_row campaign;
	get_api_campaign_exists(req_result(r, u, 0), 0, &campaign);
	if (campaign.is_there)
		read_page(r, req_result(r, u, 1));
	else
		req_not_found(r);
}

static struct call_state *begin(struct req *r)
{
	struct call_state *s = arena_alloc(r->arena, sizeof(*s));
	r->state = s;
	return page_begin(r, &s->page) ? s : NULL;
}

void calls_of_campaign(struct req *r)
{
	struct str status = req_query_word(r, "status", statuses, ARRAY_LEN(statuses));
	struct str outcome = targets_query_outcome(r);
	struct call_state *s = begin(r);
	if (s == NULL)
		return;
	struct pg_unit *u = req_read(r);
	add_api_campaign_exists(
		u, &(struct api_campaign_exists_args){ .workspace_id = r->who.workspace_id,
						       .campaign_id = r->ids[0] });
	add_api_campaign_call_ids(
		u, &(struct api_campaign_call_ids_args){ .workspace_id = r->who.workspace_id,
							 .campaign_id = r->ids[0],
							 .status = status,
							 .outcome = outcome,
							 .before = s->page.before,
							 .most = s->page.limit + 1 });
	req_submit(r, on_campaign_ids);
}

static usec_t query_time(struct req *r, const char *name)
{
	usec_t at = USEC_NEVER;
	struct str text = http_request_query(r->http, name);
	if (text.p != NULL && is_err(timefmt_parse(text, &at)))
		req_query_fault(r, name, "must be an RFC 3339 time");
	return at;
}

void calls_list(struct req *r)
{
	struct uuid campaign_id = UUID_NIL;
	struct str status = req_query_word(r, "status", statuses, ARRAY_LEN(statuses));
	struct str campaign = http_request_query(r->http, "campaign_id");
	struct str to_number = http_request_query(r->http, "to_number");
	usec_t since = query_time(r, "from"), until = query_time(r, "until");
	if (campaign.p != NULL && is_err(id_parse(ID_CAMPAIGN, campaign, &campaign_id)))
		req_query_fault(r, "campaign_id", "must be a campaign's id");
	if (to_number.p != NULL && !parse_is_e164(to_number))
		req_query_fault_as(r, "to_number", "invalid_e164",
				   "must be E.164, such as +14155550123");
	struct call_state *s = begin(r);
	if (s == NULL)
		return;
	add_api_call_ids(req_read(r),
			 &(struct api_call_ids_args){ .workspace_id = r->who.workspace_id,
						      .status = status,
						      .campaign_id = campaign_id,
						      .to_number = to_number,
						      .since = since,
						      .until = until,
						      .before = s->page.before,
						      .most = s->page.limit + 1 });
	req_submit(r, on_ids);
}
