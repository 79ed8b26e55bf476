/* Targets of a bulk campaign: append, list, search, get. */
#include "domain/cursor.h"
#include "domain/outcome.h"
#include "handlers.h"
#include "page.h"
#include "render.h"

struct targets_in {
	const struct json_value *targets;
	struct target_rows rows;
};

static const struct json_field append_fields[] = {
	{ .name = "targets",
	  .kind = JSON_K_ARRAY,
	  .offset = offsetof(struct targets_in, targets),
	  .present_offset = SIZE_MAX,
	  .required = true },
};

static struct str part(struct req *r, const struct target_rows *t, int which)
{
	struct strbuf b;
	strbuf_init(&b, RESPONSE_MAX);
	if (which == 0)
		target_rows_head(t, &b);
	else if (which == 1)
		target_rows_mid(&b);
	else
		target_rows_tail(t, &b);
	struct str text = arena_str(r->arena, strbuf_str(&b));
	strbuf_deinit(&b);
	return text;
}

void targets_add_append(struct req *r, struct uuid campaign_id, const struct target_rows *t,
			bool keeps)
{
	keeps = keeps && r->idem_key.p != NULL;
	add_api_target_append(
		r->unit, &(struct api_target_append_args){
				 .workspace_id = r->who.workspace_id,
				 .campaign_id = campaign_id,
				 .ids = { t->ids, t->n },
				 .to_numbers = { t->to_numbers, t->n },
				 .names = { t->names, t->n },
				 .external_ids = { t->external_ids, t->n },
				 .timezones = { t->timezones, t->n },
				 .variables = { t->variables, t->n },
				 .dupes = (int64_t)t->dupes,
				 .body_head = keeps ? part(r, t, 0) : STR_NONE,
				 .body_mid = keeps ? part(r, t, 1) : STR_NONE,
				 .body_tail = keeps ? part(r, t, 2) : STR_NONE,
				 .key = keeps ? r->idem_key : STR_NONE,
				 .request_hash = { (const char *)r->idem_hash, SHA256_SIZE } });
}

static void reply_appended(struct req *r, const struct target_rows *t, int64_t inserted)
{
	struct json_out j;
	req_json(r, &j);
	target_rows_head(t, &r->out);
	strbuf_add_i64(&r->out, inserted);
	target_rows_mid(&r->out);
	strbuf_add_i64(&r->out, (int64_t)(t->n + t->dupes) - inserted);
	target_rows_tail(t, &r->out);
	req_reply_json(r, 200);
}

static void on_appended(struct req *r, const struct pg_unit *u)
{
	const struct targets_in *in = r->state;
	struct api_campaign_lock_append_row was;
	struct api_target_append_row row;
	const struct pg_result *locked = req_result(r, u, 0), *done = req_result(r, u, 1);
	if (pg_result_rows(locked) == 0) {
		req_not_found(r);
		return;
	}
	get_api_campaign_lock_append(locked, 0, &was);
	if (!str_eq(was.kind, STR("bulk"))) {
		req_fail(r, PROBLEM_CAMPAIGN_IMMUTABLE, "A recurring campaign takes no targets.");
		return;
	}
	if (pg_result_rows(done) == 0) {
		campaigns_fail_state(r, was.status, "The campaign takes no more targets.");
		return;
	}
	get_api_target_append(done, 0, &row);
	if (str_eq(was.status, STR("active")) && row.inserted > 0)
		campaigns_tell(r, false);
	reply_appended(r, &in->rows, row.inserted);
}

void targets_append(struct req *r)
{
	struct targets_in *in = arena_alloc(r->arena, sizeof(*in));
	r->state = in;
	req_decode(r, append_fields, ARRAY_LEN(append_fields), in);
	if (!req_has_faults(r))
		(void)target_rows_read(r, in->targets, &in->rows); /* the fault is collected */
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	struct pg_unit *u = req_effect(r);
	add_api_campaign_lock_append(
		u, &(struct api_campaign_lock_append_args){ .workspace_id = r->who.workspace_id,
							    .campaign_id = r->ids[0] });
	targets_add_append(r, r->ids[0], &in->rows, true);
	req_submit(r, on_appended);
}

/* --- reading -------------------------------------------------------------------------------- */

static const char *const target_statuses[] = { "pending", "scheduled", "dispatched", "failed",
					       "skipped" };

bool targets_is_status(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(target_statuses); i++) {
		if (str_eq(s, str_from(target_statuses[i])))
			return true;
	}
	return false;
}

bool targets_is_outcome(struct str s)
{
	enum outcome o;
	return !is_err(outcome_parse(s, &o)) && o != OUTCOME_NOT_SENT;
}

struct str targets_query_outcome(struct req *r)
{
	struct str value = http_request_query(r->http, "outcome");
	if (value.p == NULL || targets_is_outcome(value))
		return value;
	req_query_fault(r, "outcome", "is no outcome");
	return STR_NONE;
}

static void on_listed(struct req *r, const struct pg_unit *u)
{
	struct page *p = r->state;
	struct api_campaign_exists_row campaign;
	struct api_target_get_row row = { .position = 0 };
	const struct pg_result *rows = req_result(r, u, 1);
	get_api_campaign_exists(req_result(r, u, 0), 0, &campaign);
	if (!campaign.is_there) {
		req_not_found(r);
		return;
	}
	page_open(r, p, rows);
	for (size_t i = 0; i < p->shown; i++) {
		get_api_target_get(rows, i, &row); /* lists have the same columns */
		render_target_open(&p->j, &row);
		json_object_end(&p->j);
	}
	page_reply(r, p, cursor_key_from_i64(row.position));
}

static void add_list(struct req *r, struct str status, struct str outcome, struct str pattern)
{
	const struct page *p = r->state;
	int64_t before = cursor_key_to_i64(p->before); /* the greatest number at the beginning */
	if (pattern.p == NULL)
		add_api_target_list(r->unit, &(struct api_target_list_args){
						     .workspace_id = r->who.workspace_id,
						     .campaign_id = r->ids[0],
						     .status = status,
						     .outcome = outcome,
						     .before = before,
						     .most = p->limit + 1 });
	else
		add_api_target_search(r->unit, &(struct api_target_search_args){
						       .workspace_id = r->who.workspace_id,
						       .campaign_id = r->ids[0],
						       .status = status,
						       .outcome = outcome,
						       .pattern = pattern,
						       .before = before,
						       .most = p->limit + 1 });
}

void targets_list(struct req *r)
{
	struct page *p = arena_alloc(r->arena, sizeof(*p));
	struct str status =
		req_query_word(r, "status", target_statuses, ARRAY_LEN(target_statuses));
	struct str outcome = targets_query_outcome(r);
	struct str q = req_query_text(r, "q", 3);
	r->state = p;
	if (!page_begin(r, p))
		return;
	add_api_campaign_exists(req_read(r), &(struct api_campaign_exists_args){
						     .workspace_id = r->who.workspace_id,
						     .campaign_id = r->ids[0] });
	add_list(r, status, outcome, req_like(r, q));
	req_submit(r, on_listed);
}

static void on_got(struct req *r, const struct pg_unit *u)
{
	struct json_out j;
	struct api_target_get_row row;
	size_t at = 0;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_target_get(found, 0, &row);
	req_json(r, &j);
	render_target_open(&j, &row);
	json_key(&j, "attempt_log");
	render_attempts(&j, req_result(r, u, 1), row.call_id, &at);
	json_object_end(&j);
	req_reply_json(r, 200);
}

void targets_get(struct req *r)
{
	struct pg_unit *u = req_read(r);
	add_api_target_get(u, &(struct api_target_get_args){ .workspace_id = r->who.workspace_id,
							     .campaign_id = r->ids[0],
							     .target_id = r->ids[1] });
	add_api_attempt_of_target(
		u, &(struct api_attempt_of_target_args){ .workspace_id = r->who.workspace_id,
							 .target_id = r->ids[1] });
	req_submit(r, on_got);
}
