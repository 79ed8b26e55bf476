/* A row is judged cell by cell, and each fault gets its line. Blocks are bounded softly: the caller
 * takes in what one piece of the body holds, then looks whether the block is full. */
#include "import_rows.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/parse.h"
#include "sys/zoneinfo.h"
#include "target_rows.h"
#include "json/json_out.h"

#define BLOCK_ROWS 2000
#define BLOCK_BYTES ((size_t)512 * 1024)
#define LINES_FULL ((size_t)128 * 1024)
#define LINES_MAX ((size_t)16 * 1024 * 1024)
#define NAME_MAX_BYTES 200
#define EXTERNAL_ID_MAX 255
#define VARIABLE_NAME_MAX 64
#define VALUE_SHOWN 100 /* bytes of a faulty cell in errors.csv */

enum column_kind { IGNORED = 0, TO_NUMBER, NAME, EXTERNAL_ID, TIMEZONE, VARIABLE };

struct column {
	enum column_kind kind;
	char name[VARIABLE_NAME_MAX + 1];
};

struct import_rows {
	struct zone_table *zones;
	const struct region *region;
	struct column columns[IMPORT_COLUMNS_MAX];
	size_t n_columns;
	int64_t received, rejected, n_lines;
	struct arena *arena; /* of the block */
	size_t n, cap, bytes;
	struct str *to_numbers, *names, *external_ids, *timezones, *variables;
	struct strbuf lines;
	struct strbuf scratch;            /* the variables of one row */
	char zone[ZONEINFO_NAME_MAX + 1]; /* the last good one: files have few */
};

/* One row while it is judged. */
struct judged {
	const struct csv_row *row;
	struct str to_number, name, external_id, timezone;
	char e164[REGION_E164_SIZE];
	bool is_bad;
};

struct import_rows *import_rows_new(struct zone_table *zones, const struct region *region)
{
	struct import_rows *t = xcalloc(1, sizeof(*t));
	t->zones = zones;
	t->region = region;
	t->arena = arena_new();
	strbuf_init(&t->lines, LINES_MAX);
	strbuf_init(&t->scratch, VARIABLES_MAX);
	return t;
}

void import_rows_free(struct import_rows *t)
{
	if (t == NULL)
		return;
	arena_free(t->arena);
	strbuf_deinit(&t->lines);
	strbuf_deinit(&t->scratch);
	free(t->to_numbers);
	free(t->names);
	free(t->external_ids);
	free(t->timezones);
	free(t->variables);
	free(t);
}

/* --- the header ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum column_kind kind;
} known[] = {
	{ "to_number", TO_NUMBER }, { "phone", TO_NUMBER }, { "phone_number", TO_NUMBER },
	{ "number", TO_NUMBER },    { "name", NAME },       { "external_id", EXTERNAL_ID },
	{ "timezone", TIMEZONE },
};

static enum column_kind kind_of(struct str name)
{
	if (name.n == 0)
		return IGNORED;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (str_eq_nocase(name, str_from(known[i].name)))
			return known[i].kind;
	}
	return VARIABLE;
}

static bool is_repeated(const struct import_rows *t, const struct column *c)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct column *other = &t->columns[i];
		if (c->kind != IGNORED && c->kind == other->kind &&
		    (c->kind != VARIABLE || strcmp(c->name, other->name) == 0))
			return true;
	}
	return false;
}

const char *import_rows_take_header(struct import_rows *t, const struct csv_row *row)
{
	bool has_number = false;
	if (row->fault != CSV_FINE)
		return "The header row is not well-formed CSV in UTF-8 with at most 100 columns.";
	for (size_t i = 0; i < row->n; i++) {
		struct str name = str_trim(row->fields[i]);
		struct column *c = &t->columns[t->n_columns];
		if (name.n > VARIABLE_NAME_MAX)
			return "A column's name in the header has more than 64 bytes.";
		*c = (struct column){ .kind = kind_of(name) };
		memcpy(c->name, name.p, name.n);
		if (is_repeated(t, c))
			return "Two columns of the header mean the same.";
		has_number = has_number || c->kind == TO_NUMBER;
		t->n_columns++;
	}
	if (!has_number)
		return "The header lacks a column to_number (or phone, phone_number, number).";
	return NULL;
}

/* --- faults --------------------------------------------------------------------------------- */

struct fault {
	const char *column, *code, *detail;
	struct str value;
};

static void add_fault(struct import_rows *t, struct judged *row, struct fault f)
{
	struct strbuf *b = &t->lines;
	row->is_bad = true;
	if (t->n_lines == IMPORT_ERRORS_MAX)
		return;
	t->n_lines++;
	if (f.value.n > VALUE_SHOWN)
		f.value.n = VALUE_SHOWN;
	f.value.n = str_utf8_prefix(f.value);
	const char *nul = f.value.p == NULL ? NULL : memchr(f.value.p, 0, f.value.n);
	if (nul != NULL)
		f.value.n = (size_t)(nul - f.value.p); /* Postgres takes none */
	strbuf_add_i64(b, (int64_t)row->row->line);
	strbuf_add_c(b, ',');
	csv_put(b, str_from(f.column), true);
	strbuf_addf(b, ",%s,", f.code);
	csv_put(b, str_from(f.detail), false);
	strbuf_add_c(b, ',');
	csv_put(b, f.value, true);
	strbuf_add(b, STR("\r\n"));
}

static void invalid(struct import_rows *t, struct judged *row, const struct column *c,
		    const char *detail, struct str value)
{
	add_fault(t, row, (struct fault){ c->name, "validation_error", detail, value });
}

/* --- rows ----------------------------------------------------------------------------------- */

static void take_number(struct import_rows *t, struct judged *row, const struct column *c,
			struct str value)
{
	struct str number = str_trim(value);
	if (parse_is_e164(number)) {
		row->to_number = number;
	} else if (t->region != NULL && region_to_e164(t->region, number, row->e164)) {
		row->to_number = str_from(row->e164);
	} else {
		add_fault(t, row,
			  (struct fault){ c->name, "invalid_e164",
					  t->region == NULL
						  ? "must be E.164, such as +14155550123"
						  : "is no number of the region, nor E.164",
					  value });
	}
}

static void take_zone(struct import_rows *t, struct judged *row, const struct column *c,
		      struct str value)
{
	struct str zone = str_trim(value);
	if (zone.n == 0)
		return;
	bool is_good = str_eq(zone, str_from(t->zone));
	if (!is_good && zone.n <= ZONEINFO_NAME_MAX && zone_table_find(t->zones, zone) != NULL) {
		is_good = true;
		memcpy(t->zone, zone.p, zone.n);
		t->zone[zone.n] = '\0';
	}
	if (is_good)
		row->timezone = zone;
	else
		add_fault(t, row,
			  (struct fault){ c->name, "invalid_timezone",
					  "must be an IANA time zone, such as America/New_York",
					  value });
}

static void take_text(struct import_rows *t, struct judged *row, const struct column *c,
		      struct str value)
{
	bool is_name = c->kind == NAME;
	if (value.n > (is_name ? NAME_MAX_BYTES : EXTERNAL_ID_MAX))
		invalid(t, row, c, "is too long", value);
	else if (value.n > 0)
		*(is_name ? &row->name : &row->external_id) = value;
}

static void take_cell(struct import_rows *t, struct judged *row, const struct column *c,
		      struct str value)
{
	switch (c->kind) {
	case IGNORED:
	case VARIABLE:
		return;
	case TO_NUMBER:
		take_number(t, row, c, value);
		return;
	case NAME:
	case EXTERNAL_ID:
		take_text(t, row, c, value);
		return;
	case TIMEZONE:
		take_zone(t, row, c, value);
		return;
	}
}

static struct str cell(const struct csv_row *row, size_t i)
{
	return i < row->n ? row->fields[i] : (struct str){ "", 0 };
}

/* The variables of a row as JSON into t->scratch; an empty cell is no variable. */
static void take_variables(struct import_rows *t, struct judged *row)
{
	struct json_out j;
	size_t n = 0;
	strbuf_reset(&t->scratch);
	json_out_init(&j, &t->scratch);
	json_object_begin(&j);
	for (size_t i = 0; i < t->n_columns; i++) {
		struct str value = cell(row->row, i);
		if (t->columns[i].kind != VARIABLE || value.n == 0)
			continue;
		json_kv_str(&j, t->columns[i].name, value);
		n++;
	}
	json_object_end(&j);
	if (strbuf_overflowed(&t->scratch))
		add_fault(t, row,
			  (struct fault){ "", "validation_error",
					  "the variables must have at most 16 KiB", STR_NONE });
	if (n == 0)
		strbuf_reset(&t->scratch);
}

static void grow(struct import_rows *t)
{
	if (t->n < t->cap)
		return;
	t->cap = t->cap == 0 ? 4096 : 2 * t->cap;
	t->to_numbers = xrealloc(t->to_numbers, t->cap, sizeof(struct str));
	t->names = xrealloc(t->names, t->cap, sizeof(struct str));
	t->external_ids = xrealloc(t->external_ids, t->cap, sizeof(struct str));
	t->timezones = xrealloc(t->timezones, t->cap, sizeof(struct str));
	t->variables = xrealloc(t->variables, t->cap, sizeof(struct str));
}

static struct str keep(struct import_rows *t, struct str s)
{
	t->bytes += s.n;
	return s.n == 0 ? STR_NONE : arena_str(t->arena, s);
}

static void keep_row(struct import_rows *t, const struct judged *row)
{
	grow(t);
	t->to_numbers[t->n] = keep(t, row->to_number);
	t->names[t->n] = keep(t, row->name);
	t->external_ids[t->n] = keep(t, row->external_id);
	t->timezones[t->n] = keep(t, row->timezone);
	t->variables[t->n] = keep(t, strbuf_str(&t->scratch));
	t->n++;
}

static void judge(struct import_rows *t, struct judged *row)
{
	const struct csv_row *csv = row->row;
	if (csv->fault != CSV_FINE) {
		add_fault(t, row,
			  (struct fault){ "", "validation_error", csv_fault_text(csv->fault),
					  STR_NONE });
		return;
	}
	for (size_t i = 0; i < t->n_columns; i++)
		take_cell(t, row, &t->columns[i], cell(csv, i));
	for (size_t i = t->n_columns; i < csv->n; i++) {
		if (csv->fields[i].n == 0)
			continue;
		add_fault(t, row,
			  (struct fault){ "", "validation_error", "has more fields than the header",
					  STR_NONE });
		break;
	}
	take_variables(t, row);
}

void import_rows_take(struct import_rows *t, const struct csv_row *csv)
{
	struct judged row = { .row = csv };
	t->received++;
	judge(t, &row);
	if (row.is_bad)
		t->rejected++;
	else
		keep_row(t, &row);
}

int64_t import_rows_received(const struct import_rows *t)
{
	return t->received;
}

int64_t import_rows_rejected(const struct import_rows *t)
{
	return t->rejected;
}

struct import_block import_rows_block(const struct import_rows *t)
{
	return (struct import_block){
		.n = t->n,
		.to_numbers = t->to_numbers,
		.names = t->names,
		.external_ids = t->external_ids,
		.timezones = t->timezones,
		.variables = t->variables,
		.lines = t->lines.n == 0 ? STR_NONE : strbuf_str(&t->lines),
	};
}

bool import_rows_is_full(const struct import_rows *t)
{
	return t->n >= BLOCK_ROWS || t->bytes >= BLOCK_BYTES || t->lines.n >= LINES_FULL;
}

void import_rows_reset(struct import_rows *t)
{
	t->n = t->bytes = 0;
	arena_reset(t->arena);
	strbuf_reset(&t->lines);
}
