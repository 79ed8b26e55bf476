/* A machine of five states over the bytes:
 *
 *   BEGIN ──"──► QUOTED ──"──► CLOSED ──"──► QUOTED (one quote of text)
 *     │ any                      │ any other: a fault, then as PLAIN
 *     ▼                          ▼
 *   PLAIN ──, ──► BEGIN        CR, LF: the row ends, from each state but QUOTED
 *
 * The fields of a row lie one after another in `text`, with their ends beside them. */
#include "domain/csv.h"

#include <string.h>

#include "base/mem.h"

enum csv_state { BEGIN = 0, PLAIN, QUOTED, CLOSED };

struct csv {
	struct csv_limits limits;
	enum csv_state state;
	size_t n_bom; /* bytes of a BOM seen; more than it has when there can be none any more */
	bool skips_lf;
	bool has_quotes; /* in this row: then it is no blank line */
	bool is_given;   /* the row at hand was given: the next call begins another */
	uint64_t line, row_line;
	enum csv_fault fault;
	struct strbuf text;
	size_t *ends;
	size_t n;
	struct str *fields;
};

static const char bom[3] = { '\xef', '\xbb', '\xbf' };

const char *csv_fault_text(enum csv_fault f)
{
	static const char *const texts[CSV_FAULT_COUNT] = {
		[CSV_FINE] = "is well-formed",
		[CSV_TOO_LARGE] = "is too large, or has too many fields",
		[CSV_BAD_QUOTE] = "has text after a closing quote",
		[CSV_NOT_UTF8] = "is not UTF-8, or has a NUL",
		[CSV_NO_END] = "has an opening quote that is never closed",
	};
	ASSERT((unsigned)f < CSV_FAULT_COUNT);
	return texts[f];
}

struct csv *csv_new(struct csv_limits limits)
{
	struct csv *c = xcalloc(1, sizeof(*c));
	c->limits = limits;
	c->line = c->row_line = 1;
	c->ends = xcalloc(limits.max_columns, sizeof(*c->ends));
	c->fields = xcalloc(limits.max_columns, sizeof(*c->fields));
	strbuf_init(&c->text, limits.max_row);
	return c;
}

void csv_free(struct csv *c)
{
	if (c == NULL)
		return;
	strbuf_deinit(&c->text);
	free(c->ends);
	free(c->fields);
	free(c);
}

static size_t field_begin(const struct csv *c)
{
	return c->n == 0 ? 0 : c->ends[c->n - 1];
}

static void note(struct csv *c, enum csv_fault fault)
{
	if (c->fault == CSV_FINE)
		c->fault = fault;
}

static void add(struct csv *c, const char *p, size_t n)
{
	if (c->fault == CSV_TOO_LARGE || n == 0)
		return;
	if (n > c->limits.max_row - c->text.n ||
	    c->text.n + n - field_begin(c) > c->limits.max_field)
		c->fault = CSV_TOO_LARGE;
	else
		strbuf_add_bytes(&c->text, p, n);
}

static void end_field(struct csv *c)
{
	c->state = BEGIN;
	if (c->fault == CSV_TOO_LARGE)
		return;
	if (c->n == c->limits.max_columns)
		c->fault = CSV_TOO_LARGE;
	else
		c->ends[c->n++] = c->text.n;
}

static void begin_row(struct csv *c)
{
	strbuf_reset(&c->text);
	c->n = 0;
	c->fault = CSV_FINE;
	c->has_quotes = c->is_given = false;
	c->state = BEGIN;
	c->row_line = c->line;
}

/* Completes the row; false when the line is blank. The next call begins a new one. */
static bool end_row(struct csv *c, struct csv_row *out)
{
	size_t from = 0;
	end_field(c);
	if (c->n == 1 && c->text.n == 0 && !c->has_quotes && c->fault == CSV_FINE) {
		begin_row(c);
		return false;
	}
	for (size_t i = 0; i < c->n; i++) {
		struct str field = { c->text.p == NULL ? "" : c->text.p + from, c->ends[i] - from };
		if (!str_is_utf8(field) || (field.n > 0 && memchr(field.p, 0, field.n) != NULL))
			note(c, CSV_NOT_UTF8);
		c->fields[i] = field;
		from = c->ends[i];
	}
	*out = (struct csv_row){ c->fields, c->n, c->row_line, c->fault };
	c->is_given = true;
	return true;
}

/* Drops the mark at the beginning; what only began like one is text. */
static size_t skip_bom(struct csv *c, struct str in)
{
	size_t at = 0;
	while (c->n_bom < sizeof(bom) && at < in.n && in.p[at] == bom[c->n_bom]) {
		c->n_bom++;
		at++;
	}
	if (c->n_bom < sizeof(bom) && at < in.n) {
		if (c->n_bom > 0)
			c->state = PLAIN;
		add(c, bom, c->n_bom);
		c->n_bom = sizeof(bom);
	}
	return at;
}

/* Text up to what ends it, or to the end of what there is; returns its length. */
static size_t run_length(const struct csv *c, struct str in)
{
	size_t n = 0;
	if (c->state == QUOTED) {
		const char *quote = memchr(in.p, '"', in.n);
		return quote == NULL ? in.n : (size_t)(quote - in.p);
	}
	while (n < in.n && in.p[n] != ',' && in.p[n] != '\n' && in.p[n] != '\r')
		n++;
	return n;
}

static void count_lines(struct csv *c, const char *p, size_t n)
{
	for (const char *lf = p; (lf = memchr(lf, '\n', n - (size_t)(lf - p))) != NULL; lf++)
		c->line++;
}

/* One byte that means something, or a run of text; returns the bytes eaten, *is_end at a line's
 * end outside quotes. */
static size_t step(struct csv *c, struct str in, bool *is_end)
{
	char first = in.p[0];
	bool is_quoted = c->state == QUOTED;
	if (!is_quoted && (first == '\n' || first == '\r')) {
		c->skips_lf = first == '\r';
		c->line++;
		*is_end = true;
		return 1;
	}
	if (!is_quoted && first == ',') {
		end_field(c);
		return 1;
	}
	if (first == '"' && c->state != PLAIN) {
		if (c->state == CLOSED)
			add(c, "\"", 1);
		c->has_quotes = true;
		c->state = is_quoted ? CLOSED : QUOTED;
		return 1;
	}
	if (c->state == CLOSED)
		note(c, CSV_BAD_QUOTE);
	if (!is_quoted)
		c->state = PLAIN;
	size_t n = run_length(c, in);
	if (is_quoted)
		count_lines(c, in.p, n);
	add(c, in.p, n);
	return n;
}

bool csv_next(struct csv *c, struct str in, size_t *used, struct csv_row *out)
{
	if (c->is_given)
		begin_row(c);
	size_t at = skip_bom(c, in);
	while (at < in.n) {
		bool is_end = false;
		if (c->skips_lf) {
			c->skips_lf = false;
			if (in.p[at] == '\n') {
				at++;
				continue;
			}
		}
		at += step(c, (struct str){ in.p + at, in.n - at }, &is_end);
		if (is_end && end_row(c, out)) {
			*used = at;
			return true;
		}
	}
	*used = at;
	return false;
}

bool csv_end(struct csv *c, struct csv_row *out)
{
	if (c->is_given)
		begin_row(c);
	if (c->n_bom > 0 && c->n_bom < sizeof(bom)) {
		add(c, bom, c->n_bom);
		c->n_bom = sizeof(bom);
	}
	bool is_open = c->state == QUOTED, is_row = end_row(c, out);
	if (is_open)
		out->fault =
			CSV_NO_END; /* whatever else is wrong with the row, this is with the file */
	return is_row;
}

void csv_put(struct strbuf *b, struct str field, bool is_guarded)
{
	bool is_quoted = false,
	     is_formula = is_guarded && field.n > 0 && memchr("=+-@\t\r\n", field.p[0], 7) != NULL;
	for (size_t i = 0; i < field.n && !is_quoted; i++)
		is_quoted = field.p[i] == '"' || field.p[i] == ',' || field.p[i] == '\n' ||
			    field.p[i] == '\r';
	if (is_quoted)
		strbuf_add_c(b, '"');
	if (is_formula)
		strbuf_add_c(b, '\'');
	for (size_t i = 0; i < field.n; i++) {
		if (field.p[i] == '"')
			strbuf_add_c(b, '"');
		strbuf_add_c(b, field.p[i]);
	}
	if (is_quoted)
		strbuf_add_c(b, '"');
}
