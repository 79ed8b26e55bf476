/* POST /v1/suppressions/import: many numbers at once, as a JSON array or as CSV, in one statement. The
 * rows are judged one by one; a bad row never fails the others. */
#include <stdio.h>

#include "base/parse.h"
#include "domain/csv.h"
#include "handlers.h"
#include "suppressions.h"
#include "sys/random.h"

#define ROWS_MAX 100000
#define BASE_SIZE 32
#define CSV_COLUMNS_MAX 64
#define CSV_ROW_MAX ((size_t)16 * 1024)

struct import {
	/* As targets of which only these are known: ids, to_numbers, names (the reasons), errors. */
	struct target_rows rows;
	struct json_faults *faults; /* of one row */
	size_t room;                /* of the columns */
};

/* --- rows ----------------------------------------------------------------------------------- */

static void make_room(struct req *r, struct import *im, size_t n)
{
	struct target_rows *t = &im->rows;
	im->room = n;
	im->faults = arena_alloc(r->arena, sizeof(*im->faults));
	t->ids = arena_array(r->arena, n + 1, sizeof(*t->ids));
	t->to_numbers = arena_array(r->arena, n + 1, sizeof(struct str));
	t->names = arena_array(r->arena, n + 1, sizeof(struct str));
	t->errors = arena_array(r->arena, TARGET_ERRORS_MAX, sizeof(*t->errors));
}

/* Takes the row, or its faults, which are in im->faults then. */
static void take(struct req *r, struct import *im, const struct suppression_in *in)
{
	struct target_rows *t = &im->rows;
	size_t index = t->received++;
	if (im->faults->total == 0) {
		t->ids[t->n] = random_id(r->now);
		t->to_numbers[t->n] = in->to_number;
		t->names[t->n++] = in->reason.n > 0 ? in->reason : STR_NONE;
		return;
	}
	t->rejected++;
	for (size_t i = 0; i < im->faults->n && t->n_errors < TARGET_ERRORS_MAX; i++) {
		const struct json_fault *f = &im->faults->v[i];
		t->errors[t->n_errors++] = (struct target_error){
			.index = index,
			.pointer = arena_cstr(r->arena, str_from(f->pointer)),
			.code = f->code,
			.detail = f->detail,
		};
	}
	im->faults->n = im->faults->total = 0;
}

/* The pointer of the row to come. */
static void put_base(const struct import *im, char base[BASE_SIZE])
{
	(void)snprintf(base, BASE_SIZE, "/%zu", im->rows.received); /* six digits at most */
}

static void fault_number(struct import *im, const char *base, const char *key)
{
	json_fault_add(im->faults, base, key, "invalid_e164",
		       "must be E.164, such as +14155550123");
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void take_value(struct req *r, struct import *im, const struct json_value *v)
{
	char base[BASE_SIZE];
	struct suppression_in in = { .to_number = json_as_str(v) };
	put_base(im, base);
	if (json_type(v) == JSON_OBJECT)
		(void)suppression_decode(r, v, base, im->faults, &in); /* faults are kept */
	else if (json_type(v) != JSON_STRING)
		json_fault_add(im->faults, base, NULL, "validation_error",
			       "must be an object or an E.164 number");
	else if (!parse_is_e164(in.to_number))
		fault_number(im, base, NULL);
	take(r, im, &in);
}

static bool fail_rows(struct req *r)
{
	req_fault(r, "", NULL, "validation_error", "The list must have at most 100,000 rows.");
	return false;
}

static bool read_json(struct req *r, struct import *im, struct str text)
{
	if (!req_parse(r, text))
		return false;
	if (json_type(r->body) != JSON_ARRAY) {
		req_fault(r, "", NULL, "validation_error", "The body must be a JSON array.");
		return true;
	}
	if (json_count(r->body) > ROWS_MAX) {
		(void)fail_rows(r); /* the fault is kept */
		return true;
	}
	make_room(r, im, json_count(r->body));
	for (const struct json_value *v = json_first(r->body); v != NULL; v = json_next(v))
		take_value(r, im, v);
	return true;
}

/* --- CSV ------------------------------------------------------------------------------------ */

struct columns {
	bool are_known;
	size_t number, reason; /* SIZE_MAX = none */
};

static bool is_number_column(struct str name)
{
	return str_eq_nocase(name, STR("to_number")) || str_eq_nocase(name, STR("phone")) ||
	       str_eq_nocase(name, STR("phone_number")) || str_eq_nocase(name, STR("number"));
}

/* The first row is a header unless it begins with a number. True when it was one. */
static bool read_header(struct columns *c, const struct csv_row *row)
{
	*c = (struct columns){ .are_known = true, .reason = 1 };
	if (row->fault != CSV_FINE || (row->n > 0 && parse_is_e164(str_trim(row->fields[0]))))
		return false;
	bool has_number = false;
	size_t reason = SIZE_MAX;
	for (size_t i = 0; i < row->n; i++) {
		struct str name = str_trim(row->fields[i]);
		if (is_number_column(name) && !has_number) {
			has_number = true;
			c->number = i;
		} else if (str_eq_nocase(name, STR("reason")) && reason == SIZE_MAX) {
			reason = i;
		}
	}
	if (has_number)
		c->reason = reason;
	return has_number;
}

static struct str field_of(struct req *r, const struct csv_row *row, size_t i)
{
	return i < row->n ? arena_str(r->arena, str_trim(row->fields[i])) : STR_NONE;
}

static void take_row(struct req *r, struct import *im, const struct columns *c,
		     const struct csv_row *row)
{
	char base[BASE_SIZE];
	struct suppression_in in = { .to_number = field_of(r, row, c->number),
				     .reason = field_of(r, row, c->reason) };
	put_base(im, base);
	if (row->fault != CSV_FINE)
		json_fault_add(im->faults, base, NULL, "validation_error",
			       csv_fault_text(row->fault));
	else if (!parse_is_e164(in.to_number))
		fault_number(im, base, "to_number");
	if (in.reason.n > SUPPRESSION_REASON_MAX)
		json_fault_add(im->faults, base, "reason", "validation_error",
			       SUPPRESSION_REASON_DETAIL);
	take(r, im, &in);
}

/* False when the rows are too many; the fault is kept. */
static bool take_rows(struct req *r, struct import *im, struct csv *csv, struct str text)
{
	struct csv_row row;
	struct columns columns = { .are_known = false };
	bool more = true;
	while (more) {
		size_t used = 0;
		more = csv_next(csv, text, &used, &row);
		text = (struct str){ text.p + used, text.n - used };
		if (!more && !csv_end(csv, &row))
			break;
		if (!columns.are_known && read_header(&columns, &row))
			continue;
		if (im->rows.received == im->room)
			return fail_rows(r);
		take_row(r, im, &columns, &row);
	}
	return true;
}

static void read_csv(struct req *r, struct import *im, struct str text)
{
	struct csv *csv = csv_new((struct csv_limits){
		.max_field = CSV_ROW_MAX, .max_row = CSV_ROW_MAX, .max_columns = CSV_COLUMNS_MAX });
	make_room(r, im, ROWS_MAX);
	(void)take_rows(r, im, csv, text); /* the fault is kept */
	csv_free(csv);
}

/* --- the statement -------------------------------------------------------------------------- */

static void put_answer(struct strbuf *b, const struct target_rows *t, int64_t inserted)
{
	target_rows_head(t, b);
	strbuf_add_i64(b, inserted);
	target_rows_mid(b);
	strbuf_add_i64(b, (int64_t)t->n - inserted);
	target_rows_tail(t, b);
}

static void on_imported(struct req *r, const struct pg_unit *u)
{
	const struct import *im = r->state;
	struct json_out j;
	struct api_suppression_import_row row;
	get_api_suppression_import(req_result(r, u, 0), 0, &row);
	req_json(r, &j);
	put_answer(&r->out, &im->rows, row.inserted);
	req_reply_json(r, 200);
}

static struct str part(struct req *r, const struct target_rows *t,
		       void (*put)(const struct target_rows *t, struct strbuf *b))
{
	struct strbuf b;
	strbuf_init(&b, RESPONSE_MAX);
	put(t, &b);
	struct str text = arena_str(r->arena, strbuf_str(&b));
	strbuf_deinit(&b);
	return text;
}

static void put_mid(const struct target_rows *t, struct strbuf *b)
{
	(void)t; /* the same for all */
	target_rows_mid(b);
}

static void submit(struct req *r, const struct import *im)
{
	const struct target_rows *t = &im->rows;
	add_api_suppression_import(
		req_effect(r),
		&(struct api_suppression_import_args){
			.workspace_id = r->who.workspace_id,
			.ids = { t->ids, t->n },
			.to_numbers = { t->to_numbers, t->n },
			.reasons = { t->names, t->n },
			.body_head = part(r, t, target_rows_head),
			.body_mid = part(r, t, put_mid),
			.body_tail = part(r, t, target_rows_tail),
			.key = r->idem_key,
			.request_hash = { (const char *)r->idem_hash, SHA256_SIZE } });
	req_submit(r, on_imported);
}

void suppressions_import(struct req *r)
{
	struct import *im = arena_alloc(r->arena, sizeof(*im));
	struct str text = http_request_body(r->http);
	*im = (struct import){ .room = 0 };
	r->state = im;
	if (req_content_is(r, "text/csv")) {
		read_csv(r, im, text);
	} else if (!req_content_is(r, "application/json")) {
		req_fail(r, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
			 "The body must be application/json or text/csv.");
		return;
	} else if (!read_json(r, im, text)) {
		return;
	}
	if (req_has_faults(r))
		req_fail_validation(r);
	else
		submit(r, im);
}
