/* However the bytes come in pieces, the rows are the same, within their limits, in the order of their
 * lines; a fine row that is written again is read as the same one. */
#include <string.h>

#include "base/mem.h"
#include "domain/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct csv_limits limits = { .max_field = 64, .max_row = 128, .max_columns = 8 };

/* Everything that rows say, so that two readings can be compared. */
static void note(struct strbuf *b, const struct csv_row *row, uint64_t *line)
{
	size_t bytes = 0;
	ASSERT(row->line >= *line && row->n <= limits.max_columns);
	*line = row->line;
	strbuf_addf(b, "%d %zu %d", (int)row->line, row->n, (int)row->fault);
	for (size_t i = 0; i < row->n; i++) {
		ASSERT(row->fields[i].n <= limits.max_field);
		bytes += row->fields[i].n;
		strbuf_addf(b, " %zu:", row->fields[i].n);
		strbuf_add(b, row->fields[i]);
	}
	ASSERT(bytes <= limits.max_row);
	strbuf_add_c(b, '\n');
}

/* A row written and read again. */
static void again(const struct csv_row *row)
{
	struct csv *c = csv_new(limits);
	struct csv_row out;
	struct strbuf b;
	size_t used;
	strbuf_init(&b, SIZE_MAX / 2);
	for (size_t i = 0; i < row->n; i++) {
		if (i > 0)
			strbuf_add_c(&b, ',');
		csv_put(&b, row->fields[i], false);
	}
	bool is_blank = b.n == 0; /* a quoted nothing is written as nothing */
	bool has_bom = str_starts(strbuf_str(&b), STR("\xef\xbb\xbf"));
	strbuf_add(&b, STR("\n"));
	bool is_row = csv_next(c, strbuf_str(&b), &used, &out);
	ASSERT(is_blank || has_bom || (is_row && out.n == row->n && out.fault == CSV_FINE));
	for (size_t i = 0; !is_blank && !has_bom && i < row->n; i++)
		ASSERT(str_eq(out.fields[i], row->fields[i]));
	strbuf_deinit(&b);
	csv_free(c);
}

static void read_all(struct str in, size_t piece, struct strbuf *b)
{
	struct csv *c = csv_new(limits);
	struct csv_row row;
	uint64_t line = 0;
	while (in.n > 0) {
		size_t used, n = piece < in.n ? piece : in.n;
		bool is_row = csv_next(c, (struct str){ in.p, n }, &used, &row);
		ASSERT(used <= n && (is_row || used == n));
		if (is_row)
			note(b, &row, &line);
		if (is_row && row.fault == CSV_FINE)
			again(&row);
		in.p += used;
		in.n -= used;
	}
	if (csv_end(c, &row))
		note(b, &row, &line);
	csv_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf whole, pieces;
	if (size < 1 || size > 4096)
		return 0;
	struct str in = { (const char *)data + 1, size - 1 };
	strbuf_init(&whole, SIZE_MAX / 2);
	strbuf_init(&pieces, SIZE_MAX / 2);
	read_all(in, SIZE_MAX / 2, &whole);
	read_all(in, 1 + data[0] % 16, &pieces);
	ASSERT(str_eq(strbuf_str(&whole), strbuf_str(&pieces)));
	strbuf_deinit(&whole);
	strbuf_deinit(&pieces);
	return 0;
}
