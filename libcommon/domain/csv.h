/* CSV as the world writes it (RFC 4180), read from bytes as they come: fields separated by commas,
 * rows ended by LF, CRLF or CR, quoted fields with doubled quotes and line breaks in them, a BOM at
 * the very beginning dropped, blank lines skipped. A quote inside an unquoted field is text.
 *
 * Memory is bounded by the limits, whatever comes: a row that is too large, has text after a closing
 * quote, or is not UTF-8 is still read to its end and given with its fault, so that the rows after
 * it are read as they are. */
#ifndef BELFRY_DOMAIN_CSV_H
#define BELFRY_DOMAIN_CSV_H

#include "base/str.h"

struct csv;

struct csv_limits {
	size_t max_field, max_row; /* bytes, without quotes and separators */
	size_t max_columns;
};

enum csv_fault {
	CSV_FINE = 0,
	CSV_TOO_LARGE, /* a field, the row, or the number of its fields */
	CSV_BAD_QUOTE, /* text after a closing quote */
	CSV_NOT_UTF8,  /* or it has a NUL */
	CSV_NO_END,    /* the input ended inside quotes: nobody knows where rows began since */
	CSV_FAULT_COUNT
};

const char *csv_fault_text(enum csv_fault f); /* a clause to tell the user */

struct csv_row {
	const struct str *fields; /* borrowed until the next call */
	size_t n;
	uint64_t line; /* on which it begins, from 1 */
	enum csv_fault fault;
};

struct csv *csv_new(struct csv_limits limits);
void csv_free(struct csv *c);
/* Eats *used bytes of `in`. True when a row is complete: call again with the rest. */
bool csv_next(struct csv *c, struct str in, size_t *used, struct csv_row *out);
/* No more input: true when there was a last row without a line's end. */
bool csv_end(struct csv *c, struct csv_row *out);

/* Appends a field as it must stand in a row. A spreadsheet takes text that begins with = + - @, a tab
 * or a line break for a formula: `is_guarded` puts an apostrophe before it. */
void csv_put(struct strbuf *b, struct str field, bool is_guarded);

#endif
