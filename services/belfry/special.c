/* Commands that choose their request by what they were given. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "import.h"
#include "show.h"
#include "json/json_in.h"
#include "json/json_out.h"

int cmd_target_add(struct app *app, const struct command *c)
{
	const char *csv = app_option(app, OPT_CSV);
	struct import_file file;

	if ((csv == NULL) == (app->args.n_args < 2))
		return app_fail(EXIT_USAGE, "give numbers or --csv FILE, one of the two");
	if (csv == NULL && (app->args.given[OPT_REGION] || app->args.given[OPT_NO_WAIT]))
		return app_fail(EXIT_USAGE, "--region and --no-wait are for --csv");
	if (csv == NULL)
		return show_command(app, c);
	int code = import_open(csv, &file);
	if (code != EXIT_DONE)
		return code;
	code = import_run(app, app->args.args[0], &file);
	import_close(&file);
	return code;
}

/* {"filter":{...}}: the options are the query's elsewhere, and the body's here. */
static void add_filter(const struct app *app, struct strbuf *out)
{
	static const enum option filters[] = { OPT_STATUS, OPT_OUTCOME, OPT_SEARCH };
	struct json_out j;

	json_out_init(&j, out);
	json_object_begin(&j);
	json_key(&j, "filter");
	json_object_begin(&j);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		if (app->args.given[filters[i]])
			json_kv_str(&j, option_rules[filters[i]].field,
				    app->args.value[filters[i]]);
	}
	json_object_end(&j);
	json_object_end(&j);
}

/* Sends what was made ready, and shows the object that comes back. */
static int finish(struct app *app, struct transfer *t, int code)
{
	if (code == EXIT_DONE)
		code = api_send(app, t);
	if (code == EXIT_DONE)
		code = show_object(app, strbuf_str(&t->answer));
	transfer_deinit(t);
	return code;
}

int cmd_target_skip(struct app *app, const struct command *c)
{
	const struct arguments *a = &app->args;
	bool has_filter = a->given[OPT_STATUS] || a->given[OPT_OUTCOME] || a->given[OPT_SEARCH];
	int ways = (a->n_args > 1 ? 1 : 0) + (has_filter ? 1 : 0) + (a->given[OPT_EVERY] ? 1 : 0);
	struct transfer t;

	if (ways != 1)
		return app_fail(EXIT_USAGE, "give targets, a filter, or --every: one of the three");
	transfer_init(&t, c->method);
	size_t used = api_url(app, c->path, a->args, &t.url);
	t.content_type = "application/json";
	api_make_idempotent(app, &t);
	int code = EXIT_DONE;
	if (a->n_args > 1)
		code = api_body(app, used, &t.body);
	else
		add_filter(app, &t.body);
	return finish(app, &t, code);
}

static bool is_delivered(struct str body)
{
	struct json_doc *d;

	if (is_err(json_parse(body, (struct json_limits){ 1 << 20, 32 }, &d, NULL)))
		return false;
	const struct json_value *root = json_doc_root(d);
	const struct json_value *v =
		json_type(root) == JSON_OBJECT ? json_get(root, "status") : NULL;
	bool yes = v != NULL && str_eq(json_as_str(v), STR("delivered"));
	json_doc_free(d);
	return yes;
}

int cmd_endpoint_test(struct app *app, const struct command *c)
{
	struct transfer t;

	transfer_init(&t, c->method);
	int code = api_request(app, c, &t);
	if (code == EXIT_DONE)
		code = api_send(app, &t);
	if (code == EXIT_DONE)
		code = show_object(app, strbuf_str(&t.answer));
	if (code == EXIT_DONE && !is_delivered(strbuf_str(&t.answer)))
		code = app_fail(EXIT_REFUSED, "the test event was not delivered");
	transfer_deinit(&t);
	return code;
}

int cmd_replay(struct app *app, const struct command *c)
{
	const struct arguments *a = &app->args;
	bool is_endpoint = str_starts(a->args[0], STR("whk_"));
	bool has_span = a->given[OPT_SINCE] || a->given[OPT_UNTIL] || a->given[OPT_REPLAY_TYPES] ||
			a->given[OPT_REPLAY_STATUS];
	struct transfer t;

	if (is_endpoint && !a->given[OPT_SINCE])
		return app_fail(EXIT_USAGE, "an endpoint's deliveries need --since");
	if (!is_endpoint && has_span)
		return app_fail(EXIT_USAGE, "--since, --until, --types and --status are for an "
					    "endpoint (whk_...)");
	transfer_init(&t, c->method);
	size_t used = api_url(app, is_endpoint ? "/v1/webhook-endpoints/{}/replay" : c->path,
			      a->args, &t.url);
	api_make_idempotent(app, &t);
	int code = EXIT_DONE;
	if (is_endpoint) {
		t.content_type = "application/json";
		code = api_body(app, used, &t.body);
	}
	return finish(app, &t, code);
}
