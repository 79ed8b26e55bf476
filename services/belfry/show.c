/* Most commands end here. */
#include "show.h"

#include <stdio.h>
#include <string.h>

#include "api.h"
#include "base/mem.h"
#include "view.h"

#define DEPTH 64

struct table_look show_look(const struct app *app, bool with_head)
{
	return (struct table_look){ .width = app->out.width,
				    .coloured = app->out.coloured,
				    .with_head = with_head };
}

static int parse_answer(struct str body, struct json_doc **out)
{
	struct err e = json_parse(body, (struct json_limits){ VIEW_MAX_BYTES, DEPTH }, out, NULL);

	return is_err(e) ? app_fail(EXIT_AWAY, "the answer is not what the API says: %s", e.what)
			 : EXIT_DONE;
}

static bool print_bytes(struct str body)
{
	return app_print(body) && (str_ends(body, STR("\n")) || app_print(STR("\n")));
}

int show_object(struct app *app, struct str body)
{
	struct json_doc *d;
	struct strbuf text;

	if (app_is_json(app))
		return print_bytes(body) ? EXIT_DONE : EXIT_REFUSED;
	int code = parse_answer(body, &d);
	if (code != EXIT_DONE)
		return code;
	strbuf_init(&text, VIEW_MAX_BYTES);
	view_object(json_doc_root(d), show_look(app, true), &text);
	bool ok = app_print(strbuf_str(&text));
	strbuf_deinit(&text);
	json_doc_free(d);
	return ok ? EXIT_DONE : EXIT_REFUSED;
}

/* --- lists ---------------------------------------------------------------------------------- */

struct listing {
	struct table table;
	char *cursor; /* of the next page; NULL without one */
	size_t n_rows;
	bool has_more, head_is_out;
};

/* The page's rows, and what it says of the next one. */
static int take_page(struct app *app, const struct command *c, struct str body, struct listing *l)
{
	struct json_doc *d;
	int code = parse_answer(body, &d);

	if (code != EXIT_DONE)
		return code;
	const struct json_value *root = json_doc_root(d);
	const struct json_value *data =
		json_type(root) == JSON_OBJECT ? json_get(root, "data") : NULL;
	if (data == NULL || json_type(data) != JSON_ARRAY) {
		json_doc_free(d);
		return app_fail(EXIT_AWAY, "the answer is not a page of a list");
	}
	const struct json_value *next = json_get(root, "next_cursor");
	free(l->cursor);
	l->cursor =
		next != NULL && json_type(next) == JSON_STRING ? xstrndup(json_as_str(next)) : NULL;
	l->has_more = l->cursor != NULL;
	l->n_rows += json_count(data);
	for (const struct json_value *v = json_first(data); !app_is_json(app) && v != NULL;
	     v = json_next(v))
		view_list_row(c->list, v, &l->table);
	json_doc_free(d);
	return EXIT_DONE;
}

static int print_page(struct app *app, struct str body, struct listing *l)
{
	struct strbuf text;

	if (app_is_json(app))
		return print_bytes(body) ? EXIT_DONE : EXIT_REFUSED;
	if (table_rows(&l->table) == 0)
		return EXIT_DONE;
	strbuf_init(&text, VIEW_MAX_BYTES);
	table_render(&l->table, show_look(app, !l->head_is_out), &text);
	l->head_is_out = true;
	bool ok = app_print(strbuf_str(&text));
	strbuf_deinit(&text);
	return ok ? EXIT_DONE : EXIT_REFUSED;
}

static int list_pages(struct app *app, const struct command *c, struct transfer *t,
		      struct listing *l)
{
	size_t n_first = t->url.n;
	int code;

	for (;;) {
		code = api_send(app, t);
		if (code == EXIT_DONE)
			code = take_page(app, c, strbuf_str(&t->answer), l);
		if (code == EXIT_DONE)
			code = print_page(app, strbuf_str(&t->answer), l);
		if (code != EXIT_DONE || !l->has_more || !app->args.given[OPT_ALL])
			return code;
		t->url.p[n_first] = '\0';
		t->url.n = n_first;
		api_query(&t->url, "cursor", str_from(l->cursor));
	}
}

static int show_list(struct app *app, const struct command *c, struct transfer *t)
{
	struct listing l = { .cursor = NULL };

	table_init(&l.table);
	view_list_columns(c->list, &l.table);
	if (app->args.given[OPT_ALL] && !app->args.given[OPT_LIMIT])
		api_query(&t->url, "limit", STR("200"));
	int code = list_pages(app, c, t, &l);
	if (code == EXIT_DONE && !app_is_json(app)) {
		if (l.n_rows == 0)
			fprintf(stderr, "none\n");
		else if (l.has_more)
			fprintf(stderr, "there are more: --all, or --cursor %s\n", l.cursor);
	}
	table_deinit(&l.table);
	free(l.cursor);
	return code;
}

int show_command(struct app *app, const struct command *c)
{
	struct transfer t;

	if (app->args.given[OPT_ALL] && app->args.given[OPT_CURSOR])
		return app_fail(EXIT_USAGE, "--all begins with the first page: no --cursor");
	transfer_init(&t, c->method);
	int code = api_request(app, c, &t);
	if (code == EXIT_DONE && c->list != NULL)
		code = show_list(app, c, &t);
	else if (code == EXIT_DONE)
		code = api_send(app, &t);
	if (code == EXIT_DONE && c->list == NULL) {
		if (t.answer.n > 0)
			code = show_object(app, strbuf_str(&t.answer));
		else if (c->gone != NULL && !app_is_json(app))
			code = app_print(str_from(c->gone)) && app_print(STR("\n")) ? EXIT_DONE
										    : EXIT_REFUSED;
	}
	transfer_deinit(&t);
	return code;
}
