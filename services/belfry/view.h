/* Answers as people read them. Pure: JSON in, text out. */
#ifndef BELFRY_CLI_VIEW_H
#define BELFRY_CLI_VIEW_H

#include "commands.h"
#include "table.h"
#include "json/json_in.h"

#define VIEW_MAX_BYTES ((size_t)64 * 1024 * 1024)

/* Appends a value in one line: instants without their T and milliseconds, "-" for null, yes and no,
 * an array of words with commas, other objects as "name value, ..." or as JSON. Not cleaned. */
void view_value(const struct json_value *v, struct strbuf *out);

/* The same of a text alone. */
void view_text(struct str s, struct strbuf *out);

/* The columns of a list, and one row of it. */
void view_list_columns(const struct list_column *columns, struct table *t);
void view_list_row(const struct list_column *columns, const struct json_value *item,
		   struct table *t);

/* An object, a line for each member; arrays of objects as tables below. */
void view_object(const struct json_value *object, struct table_look look, struct strbuf *out);

/* One event, as in a webhook, in one line: when, sequence, type, what it is about. */
void view_event(const struct json_value *event, bool coloured, struct strbuf *out);

/* Each element of the page's `data`, as the bytes that stand there. `page` is well-formed JSON. */
typedef bool (*view_element_fn)(struct str bytes, void *arg); /* false ends it */
void view_each_element(struct str page, view_element_fn fn, void *arg);

#endif
