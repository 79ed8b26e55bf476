/* GET /v1/events: the pull log. Its entries are the bodies that webhooks carry, byte for byte, oldest
 * first. A filter by type makes pages of what one look at a bounded number of events found: they
 * may be short, or empty, and still have a next one. */
#include "base/parse.h"
#include "domain/cursor.h"
#include "endpoint.h"
#include "handlers.h"
#include "page.h"
#include "wire/event_body.h"

#define SCAN_MAX 10000 /* events looked at for one page */
#define TYPES_MAX 32

struct log_page {
	struct page page;
	int64_t after, scan;
	struct pg_array types;
};

static struct event_body body_of(struct req *r, const struct api_event_list_row *e)
{
	return (struct event_body){
		.id = e->event_id,
		.workspace_id = r->who.workspace_id,
		.sequence = e->sequence,
		.type = e->type,
		.at = e->at,
		.campaign_id = e->campaign_id,
		.campaign_kind = e->campaign_kind,
		.call_id = e->call_id,
		.target_id = e->target_id,
		.agent_id = e->agent_id,
		.conversation_id = e->conversation_id,
		.to_number = e->to_number,
		.from_number = e->from_number,
		.external_id = e->external_id,
		.variables = e->variables,
		.call_created_at = e->call_created_at,
		.scheduled_at = e->scheduled_at,
		.next_attempt_at = e->next_attempt_at,
		.status = e->status,
		.outcome = e->outcome,
		.attempt_number = e->attempt_number,
		.attempt_outcome = e->attempt_outcome,
		.sip_code = e->sip_code,
		.started_at = e->started_at,
		.ended_at = e->ended_at,
		.duration_ms = e->duration_ms,
		.billed_s = e->billed_s,
		.end_reason = e->end_reason,
		.data = e->data,
	};
}

/* An event whose body is too large to be sent stands here all the same: RESPONSE_MAX is the bound. */
static bool render_event(struct req *r, struct json_out *j, const struct api_event_list_row *e)
{
	struct strbuf body;
	struct event_body fields = body_of(r, e);
	strbuf_init(&body, RESPONSE_MAX);
	bool is_whole = !is_err(event_body_render(&fields, &body));
	if (is_whole)
		json_raw(j, strbuf_str(&body));
	strbuf_deinit(&body);
	return is_whole;
}

static void on_listed(struct req *r, const struct pg_unit *u)
{
	struct log_page *l = r->state;
	struct page *p = &l->page;
	struct api_event_list_row row = { .sequence = 0 };
	const struct pg_result *rows = req_result(r, u, 0);
	get_api_event_list(rows, 0, &row);
	bool is_empty = uuid_is_nil(row.event_id);
	int64_t next = row.upto;
	bool was_cut = row.scanned == l->scan;
	page_open(r, p, rows);
	p->shown = is_empty ? 0 : p->shown;
	for (size_t i = 0; i < p->shown; i++) {
		get_api_event_list(rows, i, &row);
		if (!render_event(r, &p->j, &row)) {
			req_fail(r, PROBLEM_INTERNAL, "An event is too large to be shown.");
			return;
		}
	}
	if (p->has_more)
		next = row.sequence;
	p->has_more = p->has_more || was_cut;
	page_reply(r, p, cursor_key_from_i64(next));
}

/* The types of a list separated by commas. */
static void read_types(struct req *r, struct log_page *l)
{
	struct str rest = http_request_query(r->http, "types"), word;
	struct str *types = arena_alloc(r->arena, TYPES_MAX * sizeof(*types));
	size_t n = 0;
	bool has_more = rest.p != NULL;
	while (has_more) {
		has_more = str_split(rest, ',', &word, &rest);
		if (n == TYPES_MAX) {
			req_query_fault(r, "types", "must be at most 32 event types");
			return;
		}
		if (!endpoint_is_event_type(word)) {
			req_query_fault_as(r, "types", "unknown_event_type",
					   "must be event types, separated by commas");
			return;
		}
		types[n++] = word;
	}
	l->types = (struct pg_array){ types, n };
}

void events_list(struct req *r)
{
	struct log_page *l = arena_alloc(r->arena, sizeof(*l));
	struct str after = http_request_query(r->http, "after");
	r->state = l;
	read_types(r, l);
	if (after.p != NULL && is_err(parse_i64(after, 0, INT64_MAX, &l->after)))
		req_query_fault(r, "after", "must be the sequence of an event, or 0");
	if (!page_begin(r, &l->page))
		return;
	if (http_request_query(r->http, "cursor").p != NULL)
		l->after = cursor_key_to_i64(l->page.before);
	/* Without a filter, the row that tells of a next page is one more. */
	l->scan = l->types.n > 0 ? SCAN_MAX : l->page.limit + 1;
	add_api_event_list(req_read(r),
			   &(struct api_event_list_args){ .workspace_id = r->who.workspace_id,
							  .after = l->after,
							  .types = l->types,
							  .scan = l->scan,
							  .most = l->page.limit + 1 });
	req_submit(r, on_listed);
}
