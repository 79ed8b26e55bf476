/* Login tries the key before it stores it: a wrong one is told now and not at the next command. */
#include <stdio.h>

#include "api.h"
#include "base/mem.h"
#include "problem.h"
#include "text.h"
#include "json/json_in.h"

#define PATH_BYTES ((size_t)4096)

/* The key from the environment, the keyboard or standard input. */
static struct err read_key(struct app *app)
{
	struct strbuf line;
	struct err e = OK;

	strbuf_init(&line, SESSION_KEY_SIZE);
	if (*app->settings.api_key != '\0')
		strbuf_add(&line, str_from(app->settings.api_key));
	else
		e = user_read_secret("API key: ", &line);
	if (!is_err(e))
		e = session_set_key(&app->session, str_trim(strbuf_str(&line)));
	if (line.p != NULL)
		mem_wipe(line.p, line.n);
	strbuf_deinit(&line);
	return e;
}

/* A key without the scope `read` is a good one all the same. */
static int try_key(struct app *app, struct strbuf *name)
{
	struct transfer t;
	struct json_doc *d;

	transfer_init(&t, "GET");
	(void)api_url(app, "/v1/workspace", NULL, &t.url); /* it has no places */
	transfer_run(app->line, &t);
	int code = t.end == TRANSFER_ANSWERED ? problem_exit_code(t.status) : EXIT_AWAY;
	if (t.status == 403 && problem_is(strbuf_str(&t.answer), "missing_scope"))
		code = EXIT_DONE;
	if (code != EXIT_DONE)
		code = api_send(app, &t); /* once more, to tell it, or to wait */
	if (code == EXIT_DONE &&
	    !is_err(json_parse(strbuf_str(&t.answer), (struct json_limits){ 1 << 20, 32 }, &d,
			       NULL))) {
		const struct json_value *v = json_get(json_doc_root(d), "name");
		if (v != NULL)
			text_clean(json_as_str(v), name);
		json_doc_free(d);
	}
	transfer_deinit(&t);
	return code;
}

static int store(struct app *app, struct str workspace)
{
	struct strbuf path;

	strbuf_init(&path, PATH_BYTES);
	struct err e = session_store(&app->session, &path);
	if (!is_err(e))
		printf("%s%.*s%sstored in %s\n", workspace.n > 0 ? "workspace " : "",
		       STR_ARG(workspace), workspace.n > 0 ? ", " : "", path.p);
	strbuf_deinit(&path);
	return is_err(e) ? app_fail(EXIT_REFUSED, "%s", e.what) : EXIT_DONE;
}

int cmd_login(struct app *app, const struct command *c)
{
	const char *url = app_option(app, OPT_URL);
	struct strbuf workspace;

	(void)c;
	if (url == NULL)
		url = app->settings.url;
	if (*url == '\0')
		return app_fail(EXIT_USAGE, "where is the API? --url https://...");
	struct err e = session_set_url(&app->session, str_from(url));
	if (!is_err(e))
		e = read_key(app);
	if (is_err(e))
		return app_fail(EXIT_USAGE, "%s", e.what);
	app->line = transfer_line_new(app->session.key, app->settings.ca_file);
	strbuf_init(&workspace, 4096);
	int code = try_key(app, &workspace);
	if (code == EXIT_DONE)
		code = store(app, strbuf_str(&workspace));
	strbuf_deinit(&workspace);
	return code;
}

int cmd_logout(struct app *app, const struct command *c)
{
	bool existed;

	(void)app, (void)c;
	struct err e = session_forget(&existed);
	if (is_err(e))
		return app_fail(EXIT_REFUSED, "%s", e.what);
	puts(existed ? "forgotten" : "there was nothing to forget");
	return EXIT_DONE;
}
