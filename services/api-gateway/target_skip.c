/* Skipping targets: one (DELETE), some by their ids, or all that a filter finds. A filter's targets are
 * picked and skipped in turns of a bounded size, each turn a transaction of its own; the answer is
 * stored with the last one. */
#include <stdio.h>

#include "handlers.h"
#include "queue/control.h"
#include "render.h"

#define TURN 5000
/* A target that the scheduler moved between our two looks is looked at again. */
#define TRIES_MAX 4

struct skip {
	const struct json_value *id_list, *filter;
	struct str status, outcome, q; /* of the filter */
	struct uuid *ids;
	size_t n;
	int64_t after; /* position of the last one picked */
	int64_t skipped;
	bool is_last;
	int tries;
};

/* --- what they share ------------------------------------------------------------------------ */

static void add_skip(struct req *r, struct pg_array ids, bool keeps)
{
	const struct skip *s = r->state;
	struct uuid ws = r->who.workspace_id, campaign = r->ids[0];
	keeps = keeps && r->idem_key.p != NULL;
	add_api_campaign_share(r->unit, &(struct api_campaign_share_args){
						.workspace_id = ws, .campaign_id = campaign });
	add_api_target_skip(r->unit,
			    &(struct api_target_skip_args){
				    .workspace_id = ws,
				    .campaign_id = campaign,
				    .target_ids = ids,
				    .before = s->skipped,
				    .key = keeps ? r->idem_key : STR_NONE,
				    .request_hash = { (const char *)r->idem_hash, SHA256_SIZE } });
}

/* After the commit: dispatchers drop the calls, senders look for the events' deliveries. */
static void tell(struct req *r, const struct api_target_skip_row *row)
{
	campaigns_tell_dropped(r, &row->dropped);
	if (row->deliveries != PG_NULL_I64 && row->deliveries > 0)
		control_wake_senders(r->app->redis);
}

/* False when there is no such campaign. */
static bool take_skipped(struct req *r, const struct pg_unit *u, struct api_target_skip_row *row)
{
	if (pg_result_rows(req_result(r, u, 0)) == 0 || pg_result_rows(req_result(r, u, 1)) == 0)
		return false;
	get_api_target_skip(req_result(r, u, 1), 0, row, r->arena);
	tell(r, row);
	return true;
}

/* --- one ------------------------------------------------------------------------------------ */

static void skip_one(struct req *r);

static void on_one(struct req *r, const struct pg_unit *u)
{
	struct skip *s = r->state;
	struct api_target_skip_row done;
	struct api_target_get_row t;
	struct json_out j;
	const struct pg_result *found = req_result(r, u, 2);
	if (!take_skipped(r, u, &done) || pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_target_get(found, 0, &t);
	bool is_skipped = str_eq(t.status, STR("skipped"));
	bool can_be = str_eq(t.status, STR("pending")) || t.next_attempt_at != USEC_NEVER;
	if (!is_skipped && can_be && s->tries < TRIES_MAX) {
		skip_one(r);
		return;
	}
	if (!is_skipped) {
		req_fail(r, PROBLEM_TARGET_IMMUTABLE,
			 "The target is being dialed or has its final status.");
		return;
	}
	req_json(r, &j);
	render_target_open(&j, &t);
	json_object_end(&j);
	req_reply_json(r, 200);
}

static void skip_one(struct req *r)
{
	struct skip *s = r->state;
	s->tries++;
	(void)req_read(r); /* it is r->unit */
	add_skip(r, (struct pg_array){ &r->ids[1], 1 }, false);
	add_api_target_get(r->unit,
			   &(struct api_target_get_args){ .workspace_id = r->who.workspace_id,
							  .campaign_id = r->ids[0],
							  .target_id = r->ids[1] });
	req_submit(r, on_one);
}

void targets_delete(struct req *r)
{
	r->state = arena_alloc(r->arena, sizeof(struct skip));
	skip_one(r);
}

/* --- many ----------------------------------------------------------------------------------- */

static void pick(struct req *r);

static void on_many(struct req *r, const struct pg_unit *u)
{
	struct skip *s = r->state;
	struct api_target_skip_row done;
	struct json_out j;
	if (!take_skipped(r, u, &done)) {
		req_not_found(r);
		return;
	}
	s->skipped += done.skipped;
	if (!s->is_last) {
		pick(r);
		return;
	}
	req_json(r, &j);
	json_object_begin(&j);
	json_kv_i64(&j, "skipped", s->skipped);
	json_object_end(&j);
	req_reply_json(r, 200);
}

static void skip_many(struct req *r)
{
	const struct skip *s = r->state;
	(void)req_effect(r); /* it is r->unit */
	add_skip(r, (struct pg_array){ s->ids, s->n }, s->is_last);
	req_submit(r, on_many);
}

static void on_picked(struct req *r, const struct pg_unit *u)
{
	struct skip *s = r->state;
	struct api_target_pick_row row;
	const struct pg_result *found = req_result(r, u, 0);
	s->n = pg_result_rows(found);
	s->is_last = s->n < TURN;
	for (size_t i = 0; i < s->n; i++) {
		get_api_target_pick(found, i, &row);
		s->ids[i] = row.id;
		s->after = row.position;
	}
	skip_many(r);
}

static void pick(struct req *r)
{
	const struct skip *s = r->state;
	add_api_target_pick(req_read(r),
			    &(struct api_target_pick_args){ .workspace_id = r->who.workspace_id,
							    .campaign_id = r->ids[0],
							    .status = s->status,
							    .outcome = s->outcome,
							    .pattern = req_like(r, s->q),
							    .after = s->after,
							    .most = TURN });
	req_submit(r, on_picked);
}

#define AT(member) offsetof(struct skip, member)

static const struct json_field fields[] = {
	{ .name = "ids", .kind = JSON_K_ARRAY, .offset = AT(id_list), .present_offset = SIZE_MAX },
	{ .name = "filter",
	  .kind = JSON_K_OBJECT,
	  .offset = AT(filter),
	  .present_offset = SIZE_MAX },
};

static const struct json_field filter_fields[] = {
	{ .name = "status", .kind = JSON_K_STR, .offset = AT(status), .present_offset = SIZE_MAX },
	{ .name = "outcome",
	  .kind = JSON_K_STR,
	  .offset = AT(outcome),
	  .present_offset = SIZE_MAX },
	{ .name = "q",
	  .kind = JSON_K_STR,
	  .offset = AT(q),
	  .present_offset = SIZE_MAX,
	  .min = 3,
	  .max = 200 },
};

static void read_ids(struct req *r, struct skip *s)
{
	size_t n = json_count(s->id_list), i = 0;
	if (n > TARGETS_MAX) {
		req_fault(r, "", "ids", "validation_error", "must have at most 10,000 ids");
		return;
	}
	s->ids = arena_array(r->arena, n + 1, sizeof(*s->ids));
	for (const struct json_value *v = json_first(s->id_list); v != NULL;
	     v = json_next(v), i++) {
		char key[24];
		(void)snprintf(key, sizeof(key), "%zu", i); /* five digits */
		if (is_err(id_parse(ID_TARGET, json_as_str(v), &s->ids[s->n])))
			req_fault(r, "/ids", key, "validation_error", "must be a target's id");
		else
			s->n++;
	}
}

static void read_filter(struct req *r, struct skip *s)
{
	(void)json_decode(s->filter,
			  (struct json_decoder){ .fields = filter_fields,
						 .n = ARRAY_LEN(filter_fields),
						 .strict = true,
						 .base = "/filter",
						 .arena = r->arena,
						 .faults = req_faults(r) },
			  s); /* the faults are asked for together with the rest */
	if (s->status.p != NULL && !targets_is_status(s->status))
		req_fault(r, "/filter", "status", "validation_error", "is no target status");
	if (s->outcome.p != NULL && !targets_is_outcome(s->outcome))
		req_fault(r, "/filter", "outcome", "validation_error", "is no outcome");
}

void targets_skip(struct req *r)
{
	struct skip *s = arena_alloc(r->arena, sizeof(*s));
	r->state = s;
	s->after = -1;
	req_decode(r, fields, ARRAY_LEN(fields), s);
	if (!req_has_faults(r) && (s->id_list == NULL) == (s->filter == NULL))
		req_fault(r, "", NULL, "validation_error", "give either ids or filter");
	else if (s->id_list != NULL)
		read_ids(r, s);
	else if (s->filter != NULL)
		read_filter(r, s);
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	if (s->id_list != NULL) {
		s->is_last = true;
		skip_many(r);
	} else {
		s->ids = arena_array(r->arena, TURN, sizeof(*s->ids));
		pick(r);
	}
}
