/* Targets of a bulk campaign: append. */
#include "handlers.h"
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
