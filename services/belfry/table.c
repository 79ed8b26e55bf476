/* Layout only: text in, lines out. */
#include "table.h"

#include <string.h>

#include "base/mem.h"
#include "text.h"

#define GAP ((size_t)2)
#define HIDDEN SIZE_MAX /* the width of a column that is left out */
#define CELL_MAX ((size_t)1024 * 1024)

#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"
#define BOLD "\033[1m"

static const struct {
	const char *word, *colour;
} colours[] = {
	{ "active", GREEN },
	{ "completed", GREEN },
	{ "dispatched", GREEN },
	{ "answered", GREEN },
	{ "answered_machine", GREEN },
	{ "delivered", GREEN },
	{ "enabled", GREEN },
	{ "in_progress", GREEN },
	{ "paused", YELLOW },
	{ "pending", YELLOW },
	{ "scheduled", YELLOW },
	{ "dialing", YELLOW },
	{ "running", YELLOW },
	{ "uncertain", YELLOW },
	{ "failed", RED },
	{ "cancelled", RED },
	{ "dead_letter", RED },
	{ "disabled", RED },
	{ "revoked", RED },
	{ "expired", RED },
	{ "rejected", RED },
	{ "invalid_number", RED },
	{ "carrier_error", RED },
	{ "config_error", RED },
	{ "agent_unavailable", RED },
};

const char *table_colour_of(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(colours); i++) {
		if (str_eq(word, str_from(colours[i].word)))
			return colours[i].colour;
	}
	return "";
}

void table_init(struct table *t)
{
	*t = (struct table){ .n_columns = 0 };
}

static void drop_rows(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free((void *)(uintptr_t)t->cells[i].p);
	t->n_cells = 0;
}

void table_deinit(struct table *t)
{
	drop_rows(t);
	free(t->cells);
	t->cells = NULL;
	t->cap = 0;
}

void table_column(struct table *t, const char *title, unsigned traits)
{
	ASSERT(t->n_columns < TABLE_COLUMNS_MAX && t->n_cells == 0);
	t->columns[t->n_columns] = (struct table_column){ title, traits };
	t->widths[t->n_columns++] = text_width(str_from(title));
}

void table_cell(struct table *t, struct str text)
{
	struct strbuf b;
	size_t column = t->n_cells % t->n_columns;

	if (t->n_cells == t->cap) {
		t->cap = t->cap == 0 ? 256 : t->cap * 2;
		t->cells = xrealloc(t->cells, t->cap, sizeof(*t->cells));
	}
	strbuf_init(&b, CELL_MAX);
	text_clean(text, &b);
	struct str cell = { NULL, b.n };
	cell.p = strbuf_detach(&b);
	t->cells[t->n_cells++] = cell;
	size_t width = text_width(cell);
	if (width > t->widths[column])
		t->widths[column] = width;
}

size_t table_rows(const struct table *t)
{
	return t->n_columns == 0 ? 0 : t->n_cells / t->n_columns;
}

static bool has_trait(const struct table *t, size_t i, unsigned trait)
{
	return (t->columns[i].traits & trait) != 0;
}

/* The flexible column from which most can be taken; n_columns when there is none left. */
static size_t widest_flexible(const struct table *t, const size_t *widths)
{
	size_t best = t->n_columns;

	for (size_t i = 0; i < t->n_columns; i++) {
		if (has_trait(t, i, TABLE_FLEXIBLE) && widths[i] != HIDDEN &&
		    widths[i] > TABLE_FLEXIBLE_MIN &&
		    (best == t->n_columns || widths[i] > widths[best]))
			best = i;
	}
	return best;
}

/* The width of a line; with `shrunk`, as little as it can be without leaving out more. */
static size_t line_width(const struct table *t, const size_t *widths, bool shrunk)
{
	size_t total = 0, shown = 0;

	for (size_t i = 0; i < t->n_columns; i++) {
		if (widths[i] == HIDDEN)
			continue;
		bool can_shrink = shrunk && has_trait(t, i, TABLE_FLEXIBLE);
		total += can_shrink ? min_size(widths[i], TABLE_FLEXIBLE_MIN) : widths[i];
		shown++;
	}
	return shown == 0 ? 0 : total + (shown - 1) * GAP;
}

static void fit(const struct table *t, size_t limit, size_t *widths)
{
	memcpy(widths, t->widths, t->n_columns * sizeof(*widths));
	if (limit == 0)
		return;
	for (size_t i = t->n_columns; i-- > 0 && line_width(t, widths, true) > limit;) {
		if (has_trait(t, i, TABLE_SPARE))
			widths[i] = HIDDEN;
	}
	while (line_width(t, widths, false) > limit) {
		size_t i = widest_flexible(t, widths);
		if (i == t->n_columns)
			return;
		widths[i]--;
	}
}

static void pad(struct strbuf *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf_add_c(out, ' ');
}

/* Returns the cells that were used. */
static size_t add_cell(struct strbuf *out, struct str text, size_t width, bool right)
{
	size_t own = text_width(text), before = right && own < width ? width - own : 0;

	pad(out, before);
	return before + text_cut(text, width, out);
}

static void add_row(const struct table *t, const struct str *cells, const size_t *widths,
		    struct table_look look, struct strbuf *out)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct table_column *c = &t->columns[i];
		struct str text = cells == NULL ? str_from(c->title) : cells[i];
		const char *colour = "";
		if (widths[i] == HIDDEN)
			continue;
		if (look.coloured && cells == NULL)
			colour = BOLD;
		else if (look.coloured && (c->traits & TABLE_STATE) != 0)
			colour = table_colour_of(text);
		strbuf_add(out, str_from(colour));
		size_t used = add_cell(out, text, widths[i], (c->traits & TABLE_RIGHT) != 0);
		if (*colour != '\0')
			strbuf_add(out, STR(TABLE_COLOUR_END));
		if (i + 1 < t->n_columns)
			pad(out, widths[i] - used + GAP);
	}
	/* a line is as long as its text */
	while (out->n > 0 && out->p[out->n - 1] == ' ')
		out->p[--out->n] = '\0';
	strbuf_add_c(out, '\n');
}

void table_render(struct table *t, struct table_look look, struct strbuf *out)
{
	size_t widths[TABLE_COLUMNS_MAX];

	fit(t, look.width, widths);
	if (look.with_head)
		add_row(t, NULL, widths, look, out);
	for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns)
		add_row(t, &t->cells[i], widths, look, out);
	drop_rows(t);
}
