/* Rows are judged one by one with the table decoder; then repeated numbers are found by sorting an
 * index, the first row of each number wins. */
#include "target_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "sys/random.h"
#include "sys/zoneinfo.h"

struct row {
	struct str to_number, name, external_id, timezone;
	const struct json_value *variables;
	struct str variables_text;
	size_t index;
};

struct reader {
	struct req *r;
	struct target_rows *out;
	struct row *rows;
	struct json_faults *faults; /* of one row */
};

#define AT(member) offsetof(struct row, member)

static const struct json_field fields[] = {
	{ .name = "to_number",
	  .kind = JSON_K_E164,
	  .offset = AT(to_number),
	  .present_offset = SIZE_MAX,
	  .required = true },
	{ .name = "name",
	  .kind = JSON_K_STR,
	  .offset = AT(name),
	  .present_offset = SIZE_MAX,
	  .nullable = true,
	  .max = 200 },
	{ .name = "external_id",
	  .kind = JSON_K_STR,
	  .offset = AT(external_id),
	  .present_offset = SIZE_MAX,
	  .nullable = true,
	  .max = 255 },
	{ .name = "timezone",
	  .kind = JSON_K_STR,
	  .offset = AT(timezone),
	  .present_offset = SIZE_MAX,
	  .nullable = true,
	  .max = ZONEINFO_NAME_MAX },
	{ .name = "variables",
	  .kind = JSON_K_OBJECT,
	  .offset = AT(variables),
	  .present_offset = SIZE_MAX,
	  .nullable = true },
};

/* Variables as text; nothing for an empty object. */
static void take_variables(struct reader *rd, struct row *row, const char *base)
{
	struct strbuf b;
	if (row->variables == NULL || json_count(row->variables) == 0)
		return;
	strbuf_init(&b, VARIABLES_MAX);
	json_print(row->variables, &b);
	if (strbuf_overflowed(&b))
		json_fault_add(rd->faults, base, "variables", "validation_error",
			       "must have at most 16 KiB");
	else
		row->variables_text = arena_str(rd->r->arena, strbuf_str(&b));
	strbuf_deinit(&b);
}

static void judge(struct reader *rd, const struct json_value *v, const char *base, struct row *row)
{
	if (json_type(v) == JSON_STRING) {
		row->to_number = json_as_str(v);
		if (!parse_is_e164(row->to_number))
			json_fault_add(rd->faults, base, NULL, "invalid_e164",
				       "must be E.164, such as +14155550123");
		return;
	}
	if (json_type(v) != JSON_OBJECT) {
		json_fault_add(rd->faults, base, NULL, "validation_error",
			       "must be an object or an E.164 number");
		return;
	}
	(void)json_decode(v,
			  (struct json_decoder){ fields, ARRAY_LEN(fields), true, base,
						 rd->r->arena, rd->faults },
			  row); /* the faults are counted below */
	if (row->timezone.n > 0 && zone_table_find(rd->r->app->zones, row->timezone) == NULL)
		json_fault_add(rd->faults, base, "timezone", "invalid_timezone",
			       "must be an IANA time zone, such as America/New_York");
	take_variables(rd, row, base);
}

static void keep_errors(struct reader *rd, size_t index)
{
	struct target_rows *t = rd->out;
	t->rejected++;
	for (size_t i = 0; i < rd->faults->n && t->n_errors < TARGET_ERRORS_MAX; i++) {
		const struct json_fault *f = &rd->faults->v[i];
		t->errors[t->n_errors++] = (struct target_error){
			.index = index,
			.pointer = arena_cstr(rd->r->arena, str_from(f->pointer)),
			.code = f->code,
			.detail = f->detail,
		};
	}
}

static int by_number(const void *a, const void *b)
{
	const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
	int order = str_cmp(x->to_number, y->to_number);
	return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* Marks repeated rows by emptying their number. */
static void drop_dupes(struct reader *rd, size_t n)
{
	struct row **sorted = arena_array(rd->r->arena, n + 1, sizeof(struct row *));
	for (size_t i = 0; i < n; i++)
		sorted[i] = &rd->rows[i];
	qsort(sorted, n, sizeof(struct row *), by_number);
	struct str kept = STR_NONE;
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && str_eq(sorted[i]->to_number, kept)) {
			sorted[i]->to_number = STR_NONE;
			rd->out->dupes++;
		} else {
			kept = sorted[i]->to_number;
		}
	}
}

static void fill_columns(struct reader *rd, size_t n)
{
	struct target_rows *t = rd->out;
	struct arena *a = rd->r->arena;
	t->ids = arena_array(a, n + 1, sizeof(*t->ids));
	t->to_numbers = arena_array(a, n + 1, sizeof(struct str));
	t->names = arena_array(a, n + 1, sizeof(struct str));
	t->external_ids = arena_array(a, n + 1, sizeof(struct str));
	t->timezones = arena_array(a, n + 1, sizeof(struct str));
	t->variables = arena_array(a, n + 1, sizeof(struct str));
	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rd->rows[i];
		if (row->to_number.p == NULL)
			continue;
		t->ids[t->n] = random_id(rd->r->now);
		t->to_numbers[t->n] = row->to_number;
		t->names[t->n] = row->name;
		t->external_ids[t->n] = row->external_id;
		t->timezones[t->n] = row->timezone;
		t->variables[t->n] = row->variables_text;
		t->n++;
	}
}

bool target_rows_read(struct req *r, const struct json_value *array, struct target_rows *out)
{
	size_t n = 0, index = 0;
	*out = (struct target_rows){ .received = json_count(array) };
	if (out->received > TARGETS_MAX) {
		req_fault(r, "", "targets", "validation_error", "must have at most 10,000 rows");
		return false;
	}
	struct reader rd = {
		.r = r,
		.out = out,
		.rows = arena_array(r->arena, out->received + 1, sizeof(struct row)),
		.faults = arena_alloc(r->arena, sizeof(struct json_faults)),
	};
	out->errors = arena_array(r->arena, TARGET_ERRORS_MAX, sizeof(*out->errors));
	for (const struct json_value *v = json_first(array); v != NULL; v = json_next(v), index++) {
		char base[32];
		(void)snprintf(base, sizeof(base), "/targets/%zu", index); /* 5 digits */
		rd.faults->n = rd.faults->total = 0;
		rd.rows[n] = (struct row){ .index = index };
		judge(&rd, v, base, &rd.rows[n]);
		if (rd.faults->total > 0)
			keep_errors(&rd, index);
		else
			n++;
	}
	drop_dupes(&rd, n);
	fill_columns(&rd, n);
	return true;
}

void target_rows_head(const struct target_rows *t, struct strbuf *b)
{
	strbuf_addf(b, "{\"received\":%zu,\"inserted\":", t->received);
}

void target_rows_mid(struct strbuf *b)
{
	strbuf_add(b, STR(",\"deduped\":"));
}

void target_rows_tail(const struct target_rows *t, struct strbuf *b)
{
	struct json_out j;
	strbuf_addf(b, ",\"rejected\":%zu,\"errors\":", t->rejected);
	json_out_init(&j, b);
	json_array_begin(&j);
	for (size_t i = 0; i < t->n_errors; i++) {
		json_object_begin(&j);
		json_kv_i64(&j, "index", (int64_t)t->errors[i].index);
		json_kv_cstr(&j, "pointer", t->errors[i].pointer);
		json_kv_cstr(&j, "code", t->errors[i].code);
		json_kv_cstr(&j, "detail", t->errors[i].detail);
		json_object_end(&j);
	}
	json_array_end(&j);
	strbuf_add_c(b, '}');
}
