/* Conversations: lists, in two steps as those of calls, first the ids of the page and then the rows;
 * one; and hanging up, which is asked for in Postgres and done by the dispatcher that holds the
 * attempt. */
#include <string.h>

#include "handlers.h"
#include "page.h"
#include "queue/control.h"
#include "render.h"

static const char *const statuses[] = { "in_progress", "completed" };

static void render_row(struct json_out *j, const struct api_conversation_get_row *v)
{
	json_object_begin(j);
	json_kv_id(j, "id", ID_CONVERSATION, v->id);
	json_kv_id(j, "scheduled_call_id", ID_CALL, v->call_id);
	json_kv_id(j, "campaign_id", ID_CAMPAIGN, v->campaign_id);
	json_kv_id(j, "target_id", ID_TARGET, v->target_id);
	json_kv_str(j, "to_number", v->to_number);
	json_kv_str(j, "from_number", v->from_number);
	json_kv_id(j, "agent_id", ID_AGENT, v->agent_id);
	json_kv_str(j, "external_id", v->external_id);
	json_kv_str(j, "status", v->status);
	json_kv_time(j, "started_at", v->started_at);
	json_kv_time(j, "ended_at", v->ended_at);
	json_key(j, "duration_s");
	if (v->duration_ms == PG_NULL_I64)
		json_null(j);
	else
		json_seconds(j, v->duration_ms * USEC_PER_MS);
	render_i64_or_null(j, "billed_s", v->billed_s);
	json_kv_str(j, "end_reason", v->end_reason);
	json_object_end(j);
}

static void add_get(struct req *r, struct pg_array ids)
{
	add_api_conversation_get(req_read(r),
				 &(struct api_conversation_get_args){
					 .workspace_id = r->who.workspace_id, .ids = ids });
}

static void render_one(struct req *r, const struct api_conversation_get_row *v)
{
	struct json_out j;
	req_json(r, &j);
	render_row(&j, v);
}

static void on_got(struct req *r, const struct pg_unit *u)
{
	struct api_conversation_get_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_conversation_get(found, 0, &row);
	render_one(r, &row);
	req_reply_json(r, 200);
}

void conversations_get(struct req *r)
{
	add_get(r, (struct pg_array){ r->ids, 1 });
	req_submit(r, on_got);
}

/* --- lists ---------------------------------------------------------------------------------- */

struct listing {
	struct page page;
	struct str status;
	struct uuid campaign_id, call_id;
	size_t n;
	bool has_more;
	struct uuid last; /* where the next page begins */
};

static void on_page(struct req *r, const struct pg_unit *u)
{
	struct listing *s = r->state;
	const struct pg_result *rows = req_result(r, u, 0);
	page_open(r, &s->page, rows);
	for (size_t i = 0; i < s->page.shown; i++) {
		struct api_conversation_get_row row;
		get_api_conversation_get(rows, i, &row);
		render_row(&s->page.j, &row);
	}
	s->page.has_more = s->has_more;
	page_reply(r, &s->page, s->last);
}

static void on_ids(struct req *r, const struct pg_unit *u)
{
	struct listing *s = r->state;
	const struct pg_result *found = req_result(r, u, 0);
	size_t n = pg_result_rows(found);
	s->has_more = n > (size_t)s->page.limit;
	s->n = s->has_more ? (size_t)s->page.limit : n;
	struct uuid *ids = arena_array(r->arena, s->n + 1, sizeof(*ids));
	for (size_t i = 0; i < s->n; i++) {
		struct api_conversation_ids_row row; /* each list of ids has these columns */
		get_api_conversation_ids(found, i, &row);
		ids[i] = row.id;
		s->last = row.at;
	}
	add_get(r, (struct pg_array){ ids, s->n });
	req_submit(r, on_page);
}

/* Each filter that narrows by much has a statement of its own, with an index behind it. */
static void add_ids(struct req *r, const struct listing *s)
{
	struct pg_unit *u = req_read(r);
	struct uuid ws = r->who.workspace_id, before = s->page.before;
	int64_t most = s->page.limit + 1;
	if (!uuid_is_nil(s->call_id))
		add_api_conversation_ids_call(
			u, &(struct api_conversation_ids_call_args){ .workspace_id = ws,
								     .call_id = s->call_id,
								     .campaign_id = s->campaign_id,
								     .status = s->status,
								     .before = before });
	else if (str_eq(s->status, STR("in_progress")))
		add_api_conversation_ids_open(
			u, &(struct api_conversation_ids_open_args){ .workspace_id = ws,
								     .campaign_id = s->campaign_id,
								     .before = before,
								     .most = most });
	else if (!uuid_is_nil(s->campaign_id))
		add_api_conversation_ids_campaign(u, &(struct api_conversation_ids_campaign_args){
							     .workspace_id = ws,
							     .campaign_id = s->campaign_id,
							     .status = s->status,
							     .before = before,
							     .most = most });
	else
		add_api_conversation_ids(u,
					 &(struct api_conversation_ids_args){ .workspace_id = ws,
									      .status = s->status,
									      .before = before,
									      .most = most });
}

static struct uuid query_id(struct req *r, const char *name, enum id_kind kind, const char *detail)
{
	struct uuid id = UUID_NIL;
	struct str text = http_request_query(r->http, name);
	if (text.p != NULL && is_err(id_parse(kind, text, &id)))
		req_query_fault(r, name, detail);
	return id;
}

void conversations_list(struct req *r)
{
	struct listing *s = arena_alloc(r->arena, sizeof(*s));
	s->status = req_query_word(r, "status", statuses, ARRAY_LEN(statuses));
	s->campaign_id = query_id(r, "campaign_id", ID_CAMPAIGN, "must be a campaign's id");
	s->call_id = query_id(r, "call_id", ID_CALL, "must be a call's id");
	r->state = s;
	if (!page_begin(r, &s->page))
		return;
	add_ids(r, s);
	req_submit(r, on_ids);
}

/* --- hanging up ----------------------------------------------------------------------------- */

/* One that is being ended while it is read is read again. */
#define TRIES_MAX 4

struct hangup {
	unsigned tries;
};

static void look(struct req *r);

static void on_asked(struct req *r, const struct pg_unit *u)
{
	struct api_conversation_hangup_row row;
	const struct pg_result *asked = req_result(r, u, 0);
	if (pg_result_rows(asked) == 0) {
		look(r); /* it has ended since it was read */
		return;
	}
	get_api_conversation_hangup(asked, 0, &row);
	control_publish(r->app->redis, &(struct control_msg){ .kind = CONTROL_HANGUP,
							      .workspace_id = r->who.workspace_id,
							      .call_id = row.call_id,
							      .at = r->now });
	req_reply_json(r, 202);
}

static void ask(struct req *r)
{
	add_api_conversation_hangup(
		req_effect(r),
		&(struct api_conversation_hangup_args){
			.workspace_id = r->who.workspace_id,
			.conversation_id = r->ids[0],
			.body = strbuf_str(&r->out),
			.key = r->idem_key,
			.request_hash = { (const char *)r->idem_hash, SHA256_SIZE } });
	req_submit(r, on_asked);
}

static void on_looked(struct req *r, const struct pg_unit *u)
{
	const struct hangup *h = r->state;
	struct api_conversation_get_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_conversation_get(found, 0, &row);
	if (str_eq(row.status, STR("in_progress")) && h->tries < TRIES_MAX) {
		render_one(r, &row);
		ask(r);
	} else if (str_eq(row.end_reason, STR("hangup"))) {
		render_one(r, &row);
		req_reply_json(r, 200);
	} else {
		struct problem p = { .code = PROBLEM_INVALID_STATE_TRANSITION,
				     .detail = "The conversation has ended.",
				     .current_status = arena_cstr(r->arena, row.status) };
		req_fail_with(r, &p);
	}
}

static void look(struct req *r)
{
	struct hangup *h = r->state;
	h->tries++;
	add_get(r, (struct pg_array){ r->ids, 1 });
	req_submit(r, on_looked);
}

void conversations_hangup(struct req *r)
{
	r->state = arena_alloc(r->arena, sizeof(struct hangup));
	look(r);
}
