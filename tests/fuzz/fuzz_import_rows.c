/* A CSV file as targets, up to where they are stored: what is taken can be stored as it is, what is
 * refused leaves a line that says so, and every row is one or the other. The first byte chooses
 * whether the numbers are read as a region's. */
#include <string.h>

#include "../../services/api-gateway/import_rows.h"
#include "base/mem.h"
#include "base/parse.h"
#include "json/json_in.h"

#define ZONEINFO "/usr/share/zoneinfo"
#define LINE_COLUMNS 5 /* of errors.csv */

static const struct csv_limits limits = { IMPORT_FIELD_MAX, IMPORT_ROW_MAX, IMPORT_COLUMNS_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct str s, size_t max)
{
	ASSERT(s.p == NULL || (s.n > 0 && s.n <= max && str_is_utf8(s)));
	ASSERT(s.p == NULL || memchr(s.p, 0, s.n) == NULL);
}

/* An object of texts, none of them empty and none of a name that means something else. */
static void check_variables(struct str text)
{
	static const char *const known[] = { "to_number", "phone",       "phone_number", "number",
					     "name",      "external_id", "timezone" };
	struct json_doc *d;
	if (text.p == NULL)
		return;
	struct err e = json_parse(text, (struct json_limits){ IMPORT_ROW_MAX, 4 }, &d, NULL);
	ASSERT(!is_err(e));
	const struct json_value *object = json_doc_root(d);
	ASSERT(json_type(object) == JSON_OBJECT && json_count(object) > 0);
	for (const struct json_value *v = json_first(object); v != NULL; v = json_next(v)) {
		ASSERT(json_type(v) == JSON_STRING && json_as_str(v).n > 0);
		ASSERT(json_name(v).n > 0);
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			ASSERT(!str_eq_nocase(json_name(v), str_from(known[i])));
	}
	json_doc_free(d);
}

/* Lines of errors.csv are rows of five fields that no spreadsheet takes for formulas; how many. */
static int64_t check_lines(struct str lines)
{
	struct csv *c = csv_new(limits);
	struct csv_row row;
	int64_t n = 0;
	size_t used;
	while (lines.n > 0) {
		if (csv_next(c, lines, &used, &row)) {
			ASSERT(row.fault == CSV_FINE && row.n == LINE_COLUMNS);
			ASSERT(row.fields[2].n > 0 && row.fields[3].n > 0);
			for (size_t i = 0; i < row.n; i++)
				ASSERT(row.fields[i].n == 0 || !strchr("=+-@", *row.fields[i].p));
			n++;
		}
		lines.p += used;
		lines.n -= used;
	}
	ASSERT(!csv_end(c, &row));
	csv_free(c);
	return n;
}

/* The rows that were good, and the lines about the others; how many of each. */
static int64_t take_block(struct import_rows *t, struct zone_table *zones, int64_t *lines)
{
	struct import_block b = import_rows_block(t);
	for (size_t i = 0; i < b.n; i++) {
		ASSERT(parse_is_e164(b.to_numbers[i]));
		check_text(b.names[i], 200);
		check_text(b.external_ids[i], 255);
		check_text(b.timezones[i], 64);
		ASSERT(b.timezones[i].p == NULL || zone_table_find(zones, b.timezones[i]));
		check_variables(b.variables[i]);
	}
	*lines += check_lines(b.lines);
	import_rows_reset(t);
	return (int64_t)b.n;
}

struct reading {
	bool has_header, is_over;
	int64_t rows;
};

static void take_row(struct import_rows *t, const struct csv_row *row, struct reading *g)
{
	if (g->is_over)
		return;
	if (row->fault == CSV_NO_END) {
		g->is_over = true;
	} else if (!g->has_header) {
		g->has_header = true;
		g->is_over = import_rows_take_header(t, row) != NULL;
	} else {
		import_rows_take(t, row);
		g->rows++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const regions[] = { "", "US", "IN", "DE", "IT" };
	static struct zone_table *zones; /* kept: opening it reads files */
	struct reading g = { .rows = 0 };
	struct csv_row row;
	size_t used;
	if (size < 1 || size > 65536 ||
	    (zones == NULL && is_err(zone_table_open(ZONEINFO, &zones))))
		return 0;
	struct str code = str_from(regions[data[0] % ARRAY_LEN(regions)]);
	struct str in = { (const char *)data + 1, size - 1 };
	struct import_rows *t = import_rows_new(zones, code.n ? region_find(code) : NULL);
	struct csv *c = csv_new(limits);
	int64_t good = 0, lines = 0;
	while (in.n > 0) {
		if (csv_next(c, in, &used, &row))
			take_row(t, &row, &g);
		in.p += used;
		in.n -= used;
		if (import_rows_is_full(t))
			good += take_block(t, zones, &lines);
	}
	if (csv_end(c, &row))
		take_row(t, &row, &g);
	good += take_block(t, zones, &lines);
	ASSERT(import_rows_received(t) == g.rows);
	ASSERT(good + import_rows_rejected(t) == g.rows && lines >= import_rows_rejected(t));
	csv_free(c);
	import_rows_free(t);
	return 0;
}
