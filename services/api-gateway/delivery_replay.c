/* POST /v1/webhook-endpoints/{id}/replay: finished deliveries of a span go out once more, batch by
 * batch, each a transaction. A delivery that was replayed says so and is passed over, so that
 * replays beside each other, and one that is asked for again after it was cut off, send each once. */
#include "endpoint.h"
#include "handlers.h"
#include "queue/control.h"

#define BATCH 2000

struct range {
	usec_t since, until;
	const struct json_value *types_in;
	struct str status;
	struct pg_array types;
	struct uuid after;
	int64_t replayed;
};

#define AT(member) offsetof(struct range, member)

static const struct json_field fields[] = {
	{ .name = "since",
	  .kind = JSON_K_TIME,
	  .offset = AT(since),
	  .present_offset = SIZE_MAX,
	  .required = true },
	{ .name = "until",
	  .kind = JSON_K_TIME,
	  .offset = AT(until),
	  .present_offset = SIZE_MAX,
	  .nullable = true },
	{ .name = "types",
	  .kind = JSON_K_ARRAY,
	  .offset = AT(types_in),
	  .present_offset = SIZE_MAX,
	  .nullable = true },
	{ .name = "status",
	  .kind = JSON_K_STR,
	  .offset = AT(status),
	  .present_offset = SIZE_MAX,
	  .nullable = true,
	  .max = 32 },
};

static void next_batch(struct req *r);

static void on_kept(struct req *r, const struct pg_unit *u)
{
	(void)u; /* the answer stands in r->out */
	req_reply_json(r, 200);
}

/* The answer; under an idempotency key it is stored, in a transaction after those of the batches. */
static void finish(struct req *r)
{
	const struct range *g = r->state;
	struct json_out j;
	req_json(r, &j);
	json_object_begin(&j);
	json_kv_i64(&j, "replayed", g->replayed);
	json_object_end(&j);
	if (r->idem_key.p == NULL) {
		req_reply_json(r, 200);
		return;
	}
	(void)req_effect(r); /* it is r->unit */
	req_effect_keep(r, 200, false);
	req_submit(r, on_kept);
}

static void on_batch(struct req *r, const struct pg_unit *u)
{
	struct range *g = r->state;
	struct api_delivery_replay_batch_row row;
	get_api_delivery_replay_batch(req_result(r, u, 0), 0, &row);
	g->replayed += row.replayed;
	if (row.replayed > 0)
		control_wake_senders(r->app->redis);
	if (row.seen < BATCH) {
		finish(r);
		return;
	}
	g->after = row.last_id;
	if (loop_is_draining(r->app->loop))
		req_fail(r, PROBLEM_UNAVAILABLE,
			 "This server stops; a part was replayed. Ask again for the rest.");
	else
		next_batch(r);
}

static void next_batch(struct req *r)
{
	const struct range *g = r->state;
	add_api_delivery_replay_batch(req_effect(r), &(struct api_delivery_replay_batch_args){
							     .workspace_id = r->who.workspace_id,
							     .endpoint_id = r->ids[0],
							     .after_id = g->after,
							     .since = g->since,
							     .before = g->until,
							     .types = g->types,
							     .status = g->status,
							     .most = BATCH });
	req_submit(r, on_batch);
}

static void on_found(struct req *r, const struct pg_unit *u)
{
	struct api_endpoint_list_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_endpoint_list(found, 0, &row, r->arena);
	if (str_eq(row.status, STR("enabled")))
		next_batch(r);
	else
		endpoint_fail_disabled(r);
}

void endpoints_replay(struct req *r)
{
	struct range *g = arena_alloc(r->arena, sizeof(*g));
	*g = (struct range){ .until = USEC_NEVER };
	r->state = g;
	req_decode(r, fields, ARRAY_LEN(fields), g);
	g->types = endpoint_check_types(r, "types", g->types_in, false);
	if (g->status.p != NULL && !str_eq(g->status, STR("delivered")) &&
	    !str_eq(g->status, STR("dead_letter")))
		req_fault(r, "", "status", "validation_error", "must be delivered or dead_letter");
	if (g->until <= g->since && !req_has_faults(r))
		req_fault(r, "", "until", "validation_error", "must be after since");
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	/* What this replay sends is not replayed by it. */
	g->until = min_i64(g->until, r->now);
	(void)req_read(r); /* it is r->unit */
	endpoint_add_read(r);
	req_submit(r, on_found);
}
