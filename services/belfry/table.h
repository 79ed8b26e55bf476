/* Columns for people: as wide as their cells, together no wider than the terminal. What does not
 * fit is taken from the flexible columns, the widest first; where that is not enough, spare columns
 * are left out, from the right. Ids are never cut. */
#ifndef BELFRY_CLI_TABLE_H
#define BELFRY_CLI_TABLE_H

#include "base/str.h"

#define TABLE_COLUMNS_MAX 12
#define TABLE_FLEXIBLE_MIN 6 /* cells that a flexible column keeps */

enum table_trait {
	TABLE_FLEXIBLE = 1,
	TABLE_RIGHT = 2,
	TABLE_STATE = 4, /* coloured by its word */
	TABLE_SPARE = 8
};

struct table_column {
	const char *title;
	unsigned traits;
};

struct table {
	struct table_column columns[TABLE_COLUMNS_MAX];
	size_t n_columns;
	size_t widths[TABLE_COLUMNS_MAX]; /* grow only: pages of one list stay in line */
	struct str *cells;                /* row by row, clean text */
	size_t n_cells, cap;
};

struct table_look {
	size_t width;  /* cells of the terminal; 0 = no limit, nothing is cut */
	bool coloured; /* escape sequences may be used */
	bool with_head;
};

void table_init(struct table *t);
void table_deinit(struct table *t); /* accepts a zeroed one */
void table_column(struct table *t, const char *title, unsigned traits);
/* The next cell, from left to right; cleaned and copied. A row is complete with its last one. */
void table_cell(struct table *t, struct str text);
size_t table_rows(const struct table *t);
/* Appends the lines, and forgets the rows. */
void table_render(struct table *t, struct table_look look, struct strbuf *out);

/* The escape sequence for a word of the API that is a state or an outcome; "" for others. */
const char *table_colour_of(struct str word);
#define TABLE_COLOUR_END "\033[0m"

#endif
