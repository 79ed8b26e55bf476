/* What a member looks like follows from its value, so that members the API gets later show too. */
#include "view.h"

#include <string.h>

#include "base/mem.h"
#include "base/timefmt.h"
#include "text.h"

#define VALUE_MAX ((size_t)256 * 1024)
#define NESTED_COLUMNS_MAX ((size_t)10)

/* 2026-03-29T08:30:00.000Z */
static bool is_instant(struct str s)
{
	usec_t at;

	return s.n == TIMEFMT_SIZE - 1 && s.p[10] == 'T' && s.p[s.n - 1] == 'Z' &&
	       !is_err(timefmt_parse(s, &at));
}

void view_text(struct str s, struct strbuf *out)
{
	if (!is_instant(s)) {
		strbuf_add(out, s);
		return;
	}
	strbuf_add_bytes(out, s.p, 10);
	strbuf_add_c(out, ' ');
	strbuf_add_bytes(out, s.p + 11, 8);
	strbuf_add_c(out, 'Z');
}

static bool is_scalar(const struct json_value *v)
{
	return json_type(v) != JSON_ARRAY && json_type(v) != JSON_OBJECT;
}

static bool has_scalars_only(const struct json_value *v)
{
	for (const struct json_value *m = json_first(v); m != NULL; m = json_next(m)) {
		if (!is_scalar(m))
			return false;
	}
	return true;
}

static bool is_table(const struct json_value *v)
{
	return json_type(v) == JSON_ARRAY && json_first(v) != NULL &&
	       json_type(json_first(v)) == JSON_OBJECT;
}

static void add_scalars(const struct json_value *v, struct strbuf *out)
{
	const char *sep = "";

	for (const struct json_value *m = json_first(v); m != NULL; m = json_next(m)) {
		if (is_table(m))
			continue;
		strbuf_add(out, str_from(sep));
		if (json_type(v) == JSON_OBJECT) {
			strbuf_add(out, json_name(m));
			strbuf_add_c(out, ' ');
		}
		view_value(m, out);
		sep = ", ";
	}
	if (*sep == '\0')
		strbuf_add(out, json_first(v) == NULL ? STR("-") : STR("(below)"));
}

void view_value(const struct json_value *v, struct strbuf *out)
{
	bool is_true = false;

	switch (json_type(v)) {
	case JSON_NULL:
		strbuf_add_c(out, '-');
		break;
	case JSON_BOOL:
		(void)json_as_bool(v, &is_true); /* it is one */
		strbuf_add(out, is_true ? STR("yes") : STR("no"));
		break;
	case JSON_NUMBER:
		strbuf_add(out, json_number_text(v));
		break;
	case JSON_STRING:
		view_text(json_as_str(v), out);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		if (has_scalars_only(v))
			add_scalars(v, out);
		else
			json_print(v, out);
		break;
	}
}

/* --- lists ---------------------------------------------------------------------------------- */

void view_list_columns(const struct list_column *columns, struct table *t)
{
	for (; columns->title != NULL; columns++)
		table_column(t, columns->title, columns->traits);
}

/* "counts.total" inside the item; NULL when it is not there. */
static const struct json_value *find(const struct json_value *v, const char *path)
{
	struct str rest = str_from(path), name;
	char key[64];

	while (v != NULL && rest.n > 0) {
		(void)str_split(rest, '.', &name, &rest); /* the last name has no dot after it */
		if (json_type(v) != JSON_OBJECT || name.n >= sizeof(key))
			return NULL;
		memcpy(key, name.p, name.n);
		key[name.n] = '\0';
		v = json_get(v, key);
	}
	return v;
}

static void add_cell(const struct json_value *v, bool is_counted, struct table *t)
{
	struct strbuf b;

	strbuf_init(&b, VALUE_MAX);
	if (v == NULL)
		strbuf_add_c(&b, '-');
	else if (is_counted && json_type(v) == JSON_ARRAY)
		strbuf_add_i64(&b, (int64_t)json_count(v));
	else
		view_value(v, &b);
	table_cell(t, strbuf_str(&b));
	strbuf_deinit(&b);
}

void view_list_row(const struct list_column *columns, const struct json_value *item,
		   struct table *t)
{
	for (; columns->title != NULL; columns++)
		add_cell(find(item, columns->member), (columns->traits & TABLE_RIGHT) != 0, t);
}

/* --- objects -------------------------------------------------------------------------------- */

/* "from_number" as "from number"; a literal of the document otherwise. */
static void add_label(struct str name, struct strbuf *out)
{
	for (size_t i = 0; i < name.n; i++)
		strbuf_add_c(out, name.p[i] == '_' ? ' ' : name.p[i]);
}

static bool is_state(struct str name)
{
	return str_eq(name, STR("status")) || str_eq(name, STR("outcome")) ||
	       str_eq(name, STR("result"));
}

static void add_member(const struct json_value *m, struct table_look look, struct strbuf *out)
{
	struct strbuf b, clean;
	const char *colour = "";

	strbuf_init(&b, VALUE_MAX);
	strbuf_init(&clean, VALUE_MAX * 4);
	if (json_type(m) == JSON_OBJECT)
		add_scalars(m, &b); /* its tables stand below */
	else
		view_value(m, &b);
	text_clean(strbuf_str(&b), &clean);
	if (look.coloured && is_state(json_name(m)))
		colour = table_colour_of(strbuf_str(&clean));
	strbuf_add(out, str_from(colour));
	strbuf_add(out, strbuf_str(&clean));
	if (*colour != '\0')
		strbuf_add(out, STR(TABLE_COLOUR_END));
	strbuf_add_c(out, '\n');
	strbuf_deinit(&b);
	strbuf_deinit(&clean);
}

/* How a member is shown: by the first value of it that is not null. */
static unsigned traits_of(struct str name, const struct json_value *v)
{
	if (is_state(name))
		return TABLE_STATE;
	if (json_type(v) == JSON_NUMBER)
		return TABLE_RIGHT;
	return json_type(v) == JSON_STRING && is_instant(json_as_str(v)) ? 0 : TABLE_FLEXIBLE;
}

/* A column for each member that one of the objects has; a name is NUL-terminated, and lives as long
 * as the document. */
static size_t find_columns(const struct json_value *list, struct list_column *columns)
{
	size_t n = 0;

	for (const struct json_value *item = json_first(list); item != NULL;
	     item = json_next(item)) {
		for (const struct json_value *m = json_first(item); m != NULL; m = json_next(m)) {
			struct str name = json_name(m);
			size_t i = 0;
			while (i < n && !str_eq(name, str_from(columns[i].title)))
				i++;
			if (i == NESTED_COLUMNS_MAX)
				continue;
			unsigned traits = traits_of(name, m);
			if (i == n)
				columns[n++] = (struct list_column){ name.p, name.p, traits };
			else if (columns[i].traits == TABLE_FLEXIBLE && json_type(m) != JSON_NULL)
				columns[i].traits = traits;
		}
	}
	return n;
}

static void add_table(const struct json_value *list, struct table_look look, struct strbuf *out)
{
	struct list_column columns[NESTED_COLUMNS_MAX + 1] = { { NULL, NULL, 0 } };
	struct table t;

	if (find_columns(list, columns) == 0)
		return;
	look.with_head = true;
	table_init(&t);
	view_list_columns(columns, &t);
	for (const struct json_value *item = json_first(list); item != NULL; item = json_next(item))
		view_list_row(columns, item, &t);
	table_render(&t, look, out);
	table_deinit(&t);
}

static void add_titled_table(const struct json_value *parent, const struct json_value *m,
			     struct table_look look, struct strbuf *out)
{
	strbuf_add_c(out, '\n');
	if (parent != NULL) {
		add_label(json_name(parent), out);
		strbuf_add_c(out, ' ');
	}
	add_label(json_name(m), out);
	strbuf_add_c(out, '\n');
	add_table(m, look, out);
}

static void add_tables(const struct json_value *object, struct table_look look, struct strbuf *out)
{
	for (const struct json_value *m = json_first(object); m != NULL; m = json_next(m)) {
		if (is_table(m))
			add_titled_table(NULL, m, look, out);
		if (json_type(m) != JSON_OBJECT)
			continue;
		for (const struct json_value *n = json_first(m); n != NULL; n = json_next(n)) {
			if (is_table(n))
				add_titled_table(m, n, look, out);
		}
	}
}

void view_object(const struct json_value *object, struct table_look look, struct strbuf *out)
{
	size_t width = 0;

	if (json_type(object) != JSON_OBJECT) {
		view_value(object, out);
		strbuf_add_c(out, '\n');
		return;
	}
	for (const struct json_value *m = json_first(object); m != NULL; m = json_next(m)) {
		size_t own = text_width(json_name(m));
		if (!is_table(m) && own > width)
			width = own;
	}
	for (const struct json_value *m = json_first(object); m != NULL; m = json_next(m)) {
		if (is_table(m))
			continue;
		add_label(json_name(m), out);
		for (size_t i = text_width(json_name(m)); i < width + 2; i++)
			strbuf_add_c(out, ' ');
		add_member(m, look, out);
	}
	add_tables(object, look, out);
}

/* --- events --------------------------------------------------------------------------------- */

static void add_fact(const struct json_value *event, const char *path, struct strbuf *out)
{
	const struct json_value *v = find(event, path);

	if (v == NULL || json_type(v) == JSON_NULL)
		return;
	strbuf_add(out, STR("  "));
	view_value(v, out);
}

void view_event(const struct json_value *event, bool coloured, struct strbuf *out)
{
	static const char *const facts[] = {
		"data.scheduled_call.id",
		"data.scheduled_call.to_number",
		"data.scheduled_call.outcome",
		"data.conversation.id",
		"data.conversation.duration_s",
		"data.conversation.end_reason",
		"data.campaign.id",
		"data.campaign.status",
		"data.campaign.status_reason",
		"data.webhook_endpoint.id",
	};
	struct strbuf line;

	strbuf_init(&line, VALUE_MAX);
	view_value(find(event, "timestamp") == NULL ? event : find(event, "timestamp"), &line);
	add_fact(event, "sequence", &line);
	add_fact(event, "type", &line);
	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		add_fact(event, facts[i], &line);
	const struct json_value *outcome = find(event, "data.scheduled_call.outcome");
	const char *colour = "";
	if (coloured && outcome != NULL)
		colour = table_colour_of(json_as_str(outcome));
	strbuf_add(out, str_from(colour));
	text_clean(strbuf_str(&line), out);
	if (*colour != '\0')
		strbuf_add(out, STR(TABLE_COLOUR_END));
	strbuf_add_c(out, '\n');
	strbuf_deinit(&line);
}

/* --- bytes ---------------------------------------------------------------------------------- */

/* Just past the string that begins at `at`. */
static size_t skip_string(struct str s, size_t at)
{
	for (at++; at < s.n && s.p[at] != '"'; at++) {
		if (s.p[at] == '\\')
			at++;
	}
	return at + 1;
}

/* Just past the value that begins at `at`. */
static size_t skip_value(struct str s, size_t at)
{
	int depth = 0;

	while (at < s.n) {
		char c = s.p[at];
		if (c == '"') {
			at = skip_string(s, at);
		} else if (c == '{' || c == '[') {
			depth++;
			at++;
		} else if (c == '}' || c == ']') {
			if (depth == 0)
				return at;
			depth--;
			at++;
		} else if (c == ',' && depth == 0) {
			return at;
		} else {
			at++;
			continue;
		}
		if (depth == 0 && c != ',')
			return at;
	}
	return s.n;
}

static size_t skip_blanks(struct str s, size_t at, const char *blanks)
{
	while (at < s.n && s.p[at] != '\0' && strchr(blanks, s.p[at]) != NULL)
		at++;
	return at;
}

/* Where the array of the member `data` of the outermost object begins; s.n without one. */
static size_t find_data(struct str s)
{
	size_t at = skip_blanks(s, 0, " \t\r\n") + 1; /* past the brace */

	while (at < s.n) {
		at = skip_blanks(s, at, " \t\r\n,");
		if (at >= s.n || s.p[at] != '"')
			return s.n;
		size_t end = min_size(skip_string(s, at), s.n);
		struct str key = { s.p + at, end - at };
		at = skip_blanks(s, end, " \t\r\n:");
		if (str_eq(key, STR("\"data\"")))
			return at < s.n && s.p[at] == '[' ? at : s.n;
		at = skip_value(s, at);
	}
	return s.n;
}

void view_each_element(struct str page, view_element_fn fn, void *arg)
{
	size_t at = find_data(page) + 1;

	while (at < page.n) {
		at = skip_blanks(page, at, " \t\r\n,");
		if (at >= page.n || page.p[at] == ']')
			return;
		size_t end = skip_value(page, at);
		if (end == at)
			return; /* a brace that closes nothing: this is no JSON */
		if (!fn((struct str){ page.p + at, min_size(end, page.n) - at }, arg))
			return;
		at = end;
	}
}
