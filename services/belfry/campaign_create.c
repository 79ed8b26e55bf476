/* A campaign in up to three steps: the draft, its targets from a file, the start. What was made
 * stays when a later step fails, and its id is known by then. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "import.h"
#include "show.h"
#include "json/json_in.h"

#define ID_BYTES 64

static int id_of(struct str body, char out[ID_BYTES])
{
	struct json_doc *d;
	struct err e = json_parse(body, (struct json_limits){ (size_t)32 << 20, 64 }, &d, NULL);
	struct str id = STR_NONE;

	if (is_err(e))
		return app_fail(EXIT_AWAY, "the answer is not a campaign: %s", e.what);
	const struct json_value *root = json_doc_root(d);
	if (json_type(root) == JSON_OBJECT && json_get(root, "id") != NULL)
		id = json_as_str(json_get(root, "id"));
	bool ok = id.n > 0 && id.n < ID_BYTES;
	if (ok) {
		memcpy(out, id.p, id.n);
		out[id.n] = '\0';
	}
	json_doc_free(d);
	return ok ? EXIT_DONE : app_fail(EXIT_AWAY, "the answer has no id");
}

/* The row's own request. With more to do for it, people see the campaign at the end. */
static int create(struct app *app, const struct command *c, bool is_last, char id[ID_BYTES])
{
	struct transfer t;

	transfer_init(&t, c->method);
	int code = api_request(app, c, &t);
	if (code == EXIT_DONE)
		code = api_send(app, &t);
	if (code == EXIT_DONE)
		code = id_of(strbuf_str(&t.answer), id);
	if (code == EXIT_DONE && (is_last || app_is_json(app)))
		code = show_object(app, strbuf_str(&t.answer));
	else if (code == EXIT_DONE)
		printf("campaign %s\n", id);
	transfer_deinit(&t);
	return code;
}

static int start(struct app *app, struct str id)
{
	struct transfer t;

	transfer_init(&t, "POST");
	(void)api_url(app, "/v1/campaigns/{}/start", &id, &t.url); /* one place */
	/* another request than the one before: the option's key is not for it */
	app->args.given[OPT_IDEMPOTENCY_KEY] = false;
	api_make_idempotent(app, &t);
	int code = api_send(app, &t);
	if (code == EXIT_DONE)
		code = show_object(app, strbuf_str(&t.answer));
	transfer_deinit(&t);
	return code;
}

int cmd_campaign_create(struct app *app, const struct command *c)
{
	const char *csv = app_option(app, OPT_CSV);
	bool is_started = app->args.given[OPT_START];
	struct import_file file = { .fd = -1 };
	char id[ID_BYTES] = "";

	if (csv == NULL && app->args.given[OPT_REGION])
		return app_fail(EXIT_USAGE, "--region is for --csv");
	int code = csv == NULL ? EXIT_DONE : import_open(csv, &file);
	if (code == EXIT_DONE)
		code = create(app, c, csv == NULL && !is_started, id);
	if (code == EXIT_DONE && csv != NULL) {
		app->args.given[OPT_IDEMPOTENCY_KEY] = false;
		(void)fflush(stdout); /* before the bar; a failure shows at the end */
		code = import_run(app, str_from(id), &file);
		if (code != EXIT_DONE)
			(void)app_fail(code, "the campaign %s stays a draft", id);
	}
	if (code == EXIT_DONE && is_started)
		code = start(app, str_from(id));
	import_close(&file);
	return code;
}
