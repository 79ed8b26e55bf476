/* From a row of the command table to a request. */
#include "api.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "again.h"
#include "base/parse.h"
#include "problem.h"
#include "sec/sec.h"
#include "sys/random.h"
#include "json/json_in.h"
#include "json/json_out.h"

#define FILE_MAX ((size_t)1024 * 1024)
#define JSON_DEPTH 32
#define TELL_WAIT_US (2 * USEC_PER_SEC)

/* --- URL and query -------------------------------------------------------------------------- */

static void add_encoded(struct strbuf *out, struct str s)
{
	static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-._~";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c != '\0' && strchr(unreserved, c) != NULL)
			strbuf_add_c(out, c);
		else
			strbuf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
	}
}

/* An argument as a part of a path: "." and ".." would lead out of their place. */
static void add_place(struct strbuf *out, struct str s)
{
	if (str_eq(s, STR(".")) || str_eq(s, STR("..")))
		strbuf_add(out, s.n == 1 ? STR("%2E") : STR("%2E%2E"));
	else
		add_encoded(out, s);
}

size_t api_url(struct app *app, const char *path, const struct str *args, struct strbuf *out)
{
	size_t used = 0;

	strbuf_add(out, str_from(app->session.url));
	for (const char *p = path; *p != '\0'; p++) {
		if (p[0] == '{' && p[1] == '}') {
			add_place(out, args[used++]);
			p++;
		} else {
			strbuf_add_c(out, *p);
		}
	}
	return used;
}

void api_query(struct strbuf *url, const char *name, struct str value)
{
	strbuf_add_c(url, strchr(url->p, '?') == NULL ? '?' : '&');
	strbuf_add(url, str_from(name));
	strbuf_add_c(url, '=');
	add_encoded(url, value);
}

void api_query_options(const struct app *app, struct strbuf *url)
{
	for (size_t o = 0; o < OPT_COUNT; o++) {
		if (app->args.given[o] && option_rules[o].place == PLACE_QUERY)
			api_query(url, option_rules[o].field, app->args.value[o]);
	}
}

/* --- the body ------------------------------------------------------------------------------- */

static int add_json(const struct option_rule *r, struct str text, struct json_out *j)
{
	struct json_doc *d;
	size_t at = 0;
	struct err e = json_parse(text, (struct json_limits){ FILE_MAX, JSON_DEPTH }, &d, &at);

	if (is_err(e))
		return app_fail(EXIT_USAGE, "%s: %s, at byte %zu", r->name, e.what, at + 1);
	json_doc_free(d);
	json_kv_raw(j, r->field, str_trim(text));
	return EXIT_DONE;
}

/* JSON on the command line, or @FILE. */
static int add_json_value(const struct option_rule *r, struct str value, struct json_out *j)
{
	struct strbuf text;
	int code;

	if (!str_starts(value, STR("@")))
		return add_json(r, value, j);
	strbuf_init(&text, FILE_MAX);
	struct err e = user_read_file(value.p + 1, &text);
	if (is_err(e))
		code = app_fail(EXIT_REFUSED, "%s: %s: %s", r->name, value.p + 1, e.what);
	else
		code = add_json(r, strbuf_str(&text), j);
	strbuf_deinit(&text);
	return code;
}

static void add_words(struct str list, struct json_out *j)
{
	struct str word;

	json_array_begin(j);
	while (list.n > 0) {
		(void)str_split(list, ',', &word, &list); /* the last one has no comma */
		word = str_trim(word);
		if (word.n > 0)
			json_str(j, word);
	}
	json_array_end(j);
}

static int add_option(const struct option_rule *r, struct str value, struct json_out *j)
{
	int64_t n;

	switch (r->kind) {
	case OPTION_FLAG:
		json_kv_bool(j, r->field, true);
		return EXIT_DONE;
	case OPTION_TEXT:
		json_kv_str(j, r->field, value);
		return EXIT_DONE;
	case OPTION_NUMBER:
	case OPTION_LIMIT:
		if (is_err(parse_i64(value, INT64_MIN, INT64_MAX, &n)))
			json_kv_null(j, r->field); /* the parser lets "none" pass, and no other */
		else
			json_kv_i64(j, r->field, n);
		return EXIT_DONE;
	case OPTION_LIST:
		json_key(j, r->field);
		add_words(value, j);
		return EXIT_DONE;
	case OPTION_JSON:
		return add_json_value(r, value, j);
	}
	return app_fail(EXIT_USAGE, "%s: an option of no kind", r->name);
}

static void add_arguments(const struct app *app, size_t n_used, struct json_out *j)
{
	const struct command *c = app->command;
	const struct arguments *a = &app->args;
	bool is_list = str_ends(str_from(c->arity), STR("...]"));

	if (c->arg_field == NULL || n_used >= a->n_args)
		return;
	json_key(j, c->arg_field);
	if (!is_list) {
		json_str(j, a->args[n_used]);
		return;
	}
	json_array_begin(j);
	for (size_t i = n_used; i < a->n_args; i++)
		json_str(j, a->args[i]);
	json_array_end(j);
}

int api_body(struct app *app, size_t n_used, struct strbuf *out)
{
	struct json_out j;
	int code = EXIT_DONE;

	json_out_init(&j, out);
	json_object_begin(&j);
	if (option_is_in(app->command->options, OPT_KIND) && !app->args.given[OPT_KIND])
		json_kv_cstr(&j, "kind", app->args.given[OPT_CRON] ? "recurring" : "bulk");
	for (size_t o = 0; o < OPT_COUNT && code == EXIT_DONE; o++) {
		if (app->args.given[o] && option_rules[o].place == PLACE_BODY)
			code = add_option(&option_rules[o], app->args.value[o], &j);
	}
	add_arguments(app, n_used, &j);
	json_object_end(&j);
	if (code == EXIT_DONE && strbuf_overflowed(out))
		return app_fail(EXIT_USAGE, "the request is over 8 MiB");
	return code;
}

static bool has_body(const struct command *c)
{
	for (const enum option *o = c->options; *o != OPT_END; o++) {
		if (option_rules[*o].place == PLACE_BODY)
			return true;
	}
	return c->arg_field != NULL;
}

/* --- one request ---------------------------------------------------------------------------- */

void api_make_idempotent(const struct app *app, struct transfer *t)
{
	uint8_t random[16];
	struct strbuf b;

	t->idempotency_key = app_option(app, OPT_IDEMPOTENCY_KEY);
	if (t->idempotency_key != NULL)
		return;
	random_bytes(random, sizeof(random));
	strbuf_init(&b, TRANSFER_KEY_SIZE - 1);
	sec_hex_encode(random, sizeof(random), &b);
	memcpy(t->fresh_key, b.p, b.n + 1);
	strbuf_deinit(&b);
	t->idempotency_key = t->fresh_key;
}

int api_request(struct app *app, const struct command *c, struct transfer *t)
{
	size_t used = api_url(app, c->path, app->args.args, &t->url);
	bool is_get = strcmp(c->method, "GET") == 0;

	api_query_options(app, &t->url);
	if (is_get && c->arg_field != NULL && used < app->args.n_args)
		api_query(&t->url, c->arg_field, app->args.args[used]);
	if (strbuf_overflowed(&t->url))
		return app_fail(EXIT_USAGE, "the request's URL is over 16 KiB");
	if (strcmp(c->method, "POST") == 0)
		api_make_idempotent(app, t);
	if (is_get || !has_body(c))
		return EXIT_DONE;
	t->content_type = "application/json";
	return api_body(app, used, &t->body);
}

/* Tells why there is no answer, in libcurl's words. */
static int tell_no_answer(const struct app *app, const struct transfer *t)
{
	if (t->end == TRANSFER_UNREACHED)
		return app_fail(EXIT_AWAY, "%s cannot be reached: %s", app->session.url, t->words);
	if (t->end == TRANSFER_CUT)
		return app_fail(EXIT_AWAY, "the answer broke off: %s", t->words);
	return app_fail(EXIT_AWAY, "no answer came%s: %s",
			strcmp(t->method, "GET") == 0 ? ""
						      : ", and nobody knows whether it was done",
			t->words);
}

static int tell_problem(const struct app *app, const struct transfer *t)
{
	struct strbuf text;

	if (app_is_json(app)) {
		fprintf(stderr, "%.*s\n", STR_ARG(strbuf_str(&t->answer)));
		return problem_exit_code(t->status);
	}
	strbuf_init(&text, (size_t)64 * 1024);
	problem_render(strbuf_str(&t->answer), t->status, app->command->options, &text);
	fprintf(stderr, "%.*s", STR_ARG(strbuf_str(&text)));
	strbuf_deinit(&text);
	if (t->status == 401)
		fprintf(stderr, "  belfry login, or BELFRY_API_KEY, gives the key\n");
	return problem_exit_code(t->status);
}

int api_tell(const struct app *app, const struct transfer *t)
{
	return t->end == TRANSFER_ANSWERED ? tell_problem(app, t) : tell_no_answer(app, t);
}

/* The same file from its beginning; false where that is not possible, as with a pipe. */
static bool rewind_upload(const struct transfer *t)
{
	return t->upload_fd == TRANSFER_NO_UPLOAD ||
	       (t->upload_bytes >= 0 && lseek(t->upload_fd, 0, SEEK_SET) == 0);
}

static struct again_fact fact_of(const struct transfer *t)
{
	bool is_whole = t->end == TRANSFER_ANSWERED;

	return (struct again_fact){
		.status = is_whole ? t->status : 0,
		.is_safe = strcmp(t->method, "GET") == 0 || t->idempotency_key != NULL,
		.is_in_progress = t->status == 409 &&
				  problem_is(strbuf_str(&t->answer), "idempotency_in_progress"),
		.retry_after = is_whole ? str_from(t->retry_after) : STR_NONE,
	};
}

int api_send(struct app *app, struct transfer *t)
{
	struct again again = { .tries = 0 };

	for (;;) {
		transfer_run(app->line, t);
		bool is_whole = t->end == TRANSFER_ANSWERED;
		if (t->end == TRANSFER_STOPPED || (is_whole && t->status >= 200 && t->status < 300))
			return EXIT_DONE;
		usec_t wait_us = t->has_sunk ? USEC_NEVER : again_wait(&again, fact_of(t));
		if (wait_us == USEC_NEVER || !rewind_upload(t))
			return api_tell(app, t);
		if (wait_us >= TELL_WAIT_US)
			fprintf(stderr, "belfry: %s; again in %d s\n",
				is_whole ? "the API asks to come back later" : t->words,
				(int)(wait_us / USEC_PER_SEC));
		app_wait(app, wait_us);
	}
}
