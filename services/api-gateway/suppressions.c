/* Suppressions one by one: create, list, get, check, delete. The claim looks a number up by the unique
 * key of the list, so nothing has to be told to anybody here. */
#include "suppressions.h"

#include <string.h>

#include "base/parse.h"
#include "crud.h"
#include "handlers.h"
#include "sys/random.h"

/* Meeting one that is deleted the next moment, a request tries again so often. */
#define TRIES_MAX 4

#define AT(member) offsetof(struct suppression_in, member)

static const struct json_field fields[] = {
	{ .name = "to_number",
	  .kind = JSON_K_E164,
	  .offset = AT(to_number),
	  .present_offset = SIZE_MAX,
	  .required = true },
	{ .name = "reason",
	  .kind = JSON_K_STR,
	  .offset = AT(reason),
	  .present_offset = SIZE_MAX,
	  .nullable = true,
	  .max = SUPPRESSION_REASON_MAX },
};

bool suppression_decode(struct req *r, const struct json_value *v, const char *base,
			struct json_faults *faults, struct suppression_in *out)
{
	*out = (struct suppression_in){ .to_number = STR_NONE };
	return json_decode(
		v, (struct json_decoder){ fields, ARRAY_LEN(fields), true, base, r->arena, faults },
		out);
}

static void render_row(struct json_out *j, const struct api_suppression_list_row *s)
{
	json_object_begin(j);
	json_kv_id(j, "id", ID_SUPPRESSION, s->id);
	json_kv_str(j, "to_number", s->to_number);
	json_kv_str(j, "reason", s->reason);
	json_kv_time(j, "created_at", s->created_at);
	json_object_end(j);
}

static struct uuid render(struct req *r, struct json_out *j, const struct pg_result *rows, size_t i)
{
	struct api_suppression_list_row row;
	(void)r; /* other kinds need it */
	get_api_suppression_list(rows, i, &row);
	render_row(j, &row);
	return row.id;
}

static struct str query_number(struct req *r)
{
	struct str number = http_request_query(r->http, "to_number");
	if (number.p != NULL && !parse_is_e164(number))
		json_fault_add(req_faults(r), "?to_number", NULL, "invalid_e164",
			       "must be E.164, such as +14155550123");
	return number;
}

static void add_read(struct req *r, struct uuid id, struct uuid before, int64_t most)
{
	add_api_suppression_list(r->unit,
				 &(struct api_suppression_list_args){
					 .workspace_id = r->who.workspace_id,
					 .suppression_id = id,
					 .to_number = http_request_query(r->http, "to_number"),
					 .before = before,
					 .most = most });
}

static const struct crud suppressions = { .kind = ID_SUPPRESSION,
					  .add_read = add_read,
					  .render = render };

void suppressions_list(struct req *r)
{
	(void)query_number(r); /* add_read takes it; its fault is kept */
	crud_list(r, &suppressions);
}

void suppressions_get(struct req *r)
{
	crud_get(r, &suppressions);
}

void suppressions_delete(struct req *r)
{
	add_api_suppression_delete(req_read(r), &(struct api_suppression_delete_args){
							.workspace_id = r->who.workspace_id,
							.suppression_id = r->ids[0] });
	crud_delete(r, "The number is on no list."); /* what is found is deleted: never said */
}

/* --- check ---------------------------------------------------------------------------------- */

static void add_find(struct req *r, struct str number)
{
	add_api_suppression_find(
		req_read(r), &(struct api_suppression_find_args){
				     .workspace_id = r->who.workspace_id, .to_number = number });
}

static void on_checked(struct req *r, const struct pg_unit *u)
{
	struct json_out j;
	const struct pg_result *rows = req_result(r, u, 0);
	bool is_there = pg_result_rows(rows) > 0;
	req_json(r, &j);
	json_object_begin(&j);
	json_kv_str(&j, "to_number", http_request_query(r->http, "to_number"));
	json_kv_bool(&j, "suppressed", is_there);
	json_key(&j, "suppression");
	if (is_there)
		(void)render(r, &j, rows, 0); /* api_suppression_find has the list's columns */
	else
		json_null(&j);
	json_object_end(&j);
	req_reply_json(r, 200);
}

void suppressions_check(struct req *r)
{
	struct str number = query_number(r);
	if (number.p == NULL)
		req_query_fault(r, "to_number", "is required");
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	add_find(r, number);
	req_submit(r, on_checked);
}

/* --- create --------------------------------------------------------------------------------- */

struct create {
	struct suppression_in in;
	unsigned tries;
};

static void create(struct req *r, struct create *c);

static void on_existing(struct req *r, const struct pg_unit *u)
{
	struct create *c = r->state;
	struct json_out j;
	const struct pg_result *rows = req_result(r, u, 0);
	if (pg_result_rows(rows) == 0) {
		create(r, c); /* deleted meanwhile */
		return;
	}
	req_json(r, &j);
	(void)render(r, &j, rows, 0); /* as in on_checked */
	req_reply_json(r, 200);
}

static void on_refused(struct req *r, const struct pg_unit *u)
{
	struct create *c = r->state;
	if (strcmp(pg_unit_constraint(u), "suppression_workspace_id_to_number_key") != 0 ||
	    c->tries >= TRIES_MAX) {
		req_fail_unit(r, u, ERR(ERR_CONFLICT, "the unit was refused"));
		return;
	}
	add_find(r, c->in.to_number);
	req_submit(r, on_existing);
}

static void on_created(struct req *r, const struct pg_unit *u)
{
	(void)u; /* the answer stands in r->out */
	req_reply_created(r, ID_SUPPRESSION, r->made_id);
}

static void create(struct req *r, struct create *c)
{
	struct json_out j;
	struct api_suppression_list_row row = { .id = random_id(r->now),
						.to_number = c->in.to_number,
						.reason = c->in.reason,
						.created_at = r->now };
	c->tries++;
	add_api_suppression_create(req_effect(r), &(struct api_suppression_create_args){
							  .workspace_id = r->who.workspace_id,
							  .id = row.id,
							  .to_number = row.to_number,
							  .reason = row.reason,
							  .created_at = row.created_at });
	req_json(r, &j);
	render_row(&j, &row);
	req_makes(r, ID_SUPPRESSION, row.id);
	req_effect_keep(r, 201, false);
	r->on_unit_failed = on_refused;
	req_submit(r, on_created);
}

void suppressions_create(struct req *r)
{
	struct create *c = arena_alloc(r->arena, sizeof(*c));
	r->state = c;
	if (suppression_decode(r, r->body, "", req_faults(r), &c->in))
		create(r, c);
	else
		req_fail_validation(r);
}
