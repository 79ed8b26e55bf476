/* A receiver of webhooks on this machine, for as long as somebody looks: an endpoint is made for it,
 * each request's signature is verified over the bytes as they came, and the endpoint is deleted at
 * the end. One that was killed could not do that: its endpoint's description names this machine and a
 * process that is no more, and the next one deletes it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "base/mem.h"
#include "base/parse.h"
#include "http/http_server.h"
#include "sec/webhook_sig.h"
#include "view.h"
#include "json/json_in.h"
#include "json/json_out.h"

#define BODY_MAX ((size_t)1024 * 1024)
#define TOLERANCE_S 300
#define SECRET_MAX ((size_t)256)
#define LAST_ANSWER_US (200 * USEC_PER_MS)
#define DRAIN_US (5 * USEC_PER_SEC)
#define ANSWER_MAX ((size_t)4 * 1024 * 1024)
#define MARK "belfry webhooks listen on "
#define MARK_SIZE 128

struct listen {
	struct app *app;
	struct http_server *server;
	struct timer *end; /* the last answer leaves before all ends */
	uint8_t key[WEBHOOK_KEY_MAX];
	size_t n_key;
	char endpoint[ID_TEXT_SIZE]; /* "" where none was made */
	int64_t left;                /* events still to come; INT64_MAX: no end */
	int code;
};

/* --- one request ---------------------------------------------------------------------------- */

static const char *judge(const struct listen *l, struct http_request *r)
{
	struct str id = http_request_header(r, "webhook-id");
	struct str stamp = http_request_header(r, "webhook-timestamp");
	struct str signatures = http_request_header(r, "webhook-signature");
	int64_t at_s;

	if (id.n == 0 || signatures.n == 0 || is_err(parse_i64(stamp, 0, INT64_MAX / 2, &at_s)))
		return "it has no signature";
	if (!webhook_verify((struct str){ (const char *)l->key, l->n_key }, id, at_s,
			    http_request_body(r), signatures))
		return "its signature is wrong";
	int64_t now_s = loop_now(l->app->loop) / USEC_PER_SEC;
	if (at_s < now_s - TOLERANCE_S || at_s > now_s + TOLERANCE_S)
		return "it was signed at another time";
	return NULL;
}

static void print_event(struct listen *l, struct str body)
{
	struct json_doc *d;
	struct strbuf line;

	strbuf_init(&line, BODY_MAX * 4);
	if (app_is_json(l->app)) {
		strbuf_add(&line, body);
		strbuf_add_c(&line, '\n');
	} else if (is_err(json_parse(body, (struct json_limits){ BODY_MAX, 64 }, &d, NULL))) {
		strbuf_add(&line, STR("signed, and no JSON\n"));
	} else {
		view_event(json_doc_root(d), l->app->out.coloured, &line);
		json_doc_free(d);
	}
	if (!app_print(strbuf_str(&line)) || fflush(stdout) != 0) {
		l->code = EXIT_REFUSED;
		loop_stop(l->app->loop);
	}
	strbuf_deinit(&line);
}

static void on_request(struct http_request *r, void *arg)
{
	struct listen *l = arg;

	if (http_request_method(r) != HTTP_POST) {
		http_reply(r, 405, NULL, STR_NONE);
		return;
	}
	const char *fault = judge(l, r);
	if (fault != NULL) {
		fprintf(stderr, "belfry: refused a request from %.*s: %s\n",
			STR_ARG(http_request_peer(r)), fault);
		http_reply(r, 401, NULL, STR_NONE);
		return;
	}
	if (l->left == 0) {
		/* Over the count: it is not shown to anybody, so it was not received. */
		http_reply(r, 503, NULL, STR_NONE);
		return;
	}
	print_event(l, http_request_body(r));
	http_reply(r, 200, NULL, STR_NONE);
	if (l->left != INT64_MAX && --l->left == 0)
		timer_start(l->end, LAST_ANSWER_US);
}

static void on_problem(const struct http_violation *v, struct strbuf *body,
		       char request_id[HTTP_REQUEST_ID_SIZE], void *arg)
{
	(void)arg;
	strbuf_add(body, str_from(v->detail));
	request_id[0] = '\0';
}

static void on_end(void *arg)
{
	struct listen *l = arg;

	loop_stop(l->app->loop);
}

/* --- the endpoint --------------------------------------------------------------------------- */

static int take_secret(struct listen *l, struct str secret)
{
	struct err e = webhook_secret_key(secret, l->key, &l->n_key);

	return is_err(e) ? app_fail(EXIT_REFUSED, "the secret: %s", e.what) : EXIT_DONE;
}

static int read_secret(struct listen *l, const char *path)
{
	struct strbuf text;

	strbuf_init(&text, SECRET_MAX);
	struct err e = user_read_file(path, &text);
	struct str secret = strbuf_str(&text), rest;
	(void)str_split(secret, '\n', &secret, &rest); /* the line may lack its end */
	int code = is_err(e) ? app_fail(EXIT_REFUSED, "%s: %s", path, e.what)
			     : take_secret(l, str_trim(secret));
	if (text.p != NULL)
		mem_wipe(text.p, text.n);
	strbuf_deinit(&text);
	return code;
}

/* "belfry webhooks listen on HOST, process "; the process' number follows. */
static void mark(char out[MARK_SIZE])
{
	char host[64] = "";

	if (gethostname(host, sizeof(host) - 1) != 0)
		(void)snprintf(host, sizeof(host), "localhost");
	(void)snprintf(out, MARK_SIZE, MARK "%s, process ", host);
}

static void render_endpoint(const struct app *app, struct str url, struct strbuf *out)
{
	struct str events = STR("*"), word;
	struct json_out j;
	char by[MARK_SIZE], description[MARK_SIZE + 16];

	mark(by);
	(void)snprintf(description, sizeof(description), "%s%d", by, (int)getpid());

	if (app->args.given[OPT_LISTEN_EVENTS])
		events = app->args.value[OPT_LISTEN_EVENTS];
	json_out_init(&j, out);
	json_object_begin(&j);
	json_kv_str(&j, "url", url);
	json_key(&j, "events");
	json_array_begin(&j);
	while (events.n > 0) {
		(void)str_split(events, ',', &word, &events); /* the last one has no comma */
		json_str(&j, word);
	}
	json_array_end(&j);
	json_kv_cstr(&j, "description", description);
	json_object_end(&j);
}

static int take_endpoint(struct listen *l, struct str answer)
{
	struct json_doc *d;
	struct err e = json_parse(answer, (struct json_limits){ BODY_MAX, 32 }, &d, NULL);

	if (is_err(e))
		return app_fail(EXIT_AWAY, "the answer is not an endpoint: %s", e.what);
	const struct json_value *root = json_doc_root(d);
	const struct json_value *id = json_type(root) == JSON_OBJECT ? json_get(root, "id") : NULL;
	const struct json_value *secret = id == NULL ? NULL : json_get(root, "secret");
	struct str text = id == NULL ? STR_NONE : json_as_str(id);
	int code;
	if (text.n > 0 && text.n < sizeof(l->endpoint) && secret != NULL) {
		memcpy(l->endpoint, text.p, text.n);
		l->endpoint[text.n] = '\0';
		code = take_secret(l, json_as_str(secret));
	} else {
		code = app_fail(EXIT_AWAY, "the answer has no id or no secret");
	}
	json_doc_free(d);
	return code;
}

static int make_endpoint(struct listen *l, struct str url)
{
	struct transfer t;

	transfer_init(&t, "POST");
	(void)api_url(l->app, "/v1/webhook-endpoints", NULL, &t.url); /* it has no places */
	api_make_idempotent(l->app, &t);
	t.content_type = "application/json";
	render_endpoint(l->app, url, &t.body);
	int code = api_send(l->app, &t);
	if (code == EXIT_DONE)
		code = take_endpoint(l, strbuf_str(&t.answer));
	transfer_deinit(&t);
	return code;
}

static int delete_by_id(struct app *app, struct str id)
{
	struct transfer t;

	transfer_init(&t, "DELETE");
	(void)api_url(app, "/v1/webhook-endpoints/{}", &id, &t.url); /* one place */
	int code = api_send(app, &t);
	if (code != EXIT_DONE)
		(void)app_fail(code, "the endpoint %.*s stays behind", STR_ARG(id));
	transfer_deinit(&t);
	return code;
}

static int delete_endpoint(struct listen *l)
{
	return *l->endpoint == '\0' ? EXIT_DONE : delete_by_id(l->app, str_from(l->endpoint));
}

/* Whether a listener of this machine made it, which is no more. */
static bool is_left_behind(struct str description)
{
	char by[MARK_SIZE];
	int64_t pid;

	mark(by);
	struct str prefix = str_from(by);
	if (!str_starts(description, prefix))
		return false;
	struct str number = { description.p + prefix.n, description.n - prefix.n };
	return !is_err(parse_i64(number, 1, INT32_MAX, &pid)) && kill((pid_t)pid, 0) != 0 &&
	       errno == ESRCH;
}

static void delete_left(struct app *app, struct str answer)
{
	struct json_doc *d;

	if (is_err(json_parse(answer, (struct json_limits){ ANSWER_MAX, 32 }, &d, NULL)))
		return;
	const struct json_value *root = json_doc_root(d);
	const struct json_value *data =
		json_type(root) == JSON_OBJECT ? json_get(root, "data") : NULL;
	const struct json_value *e =
		data != NULL && json_type(data) == JSON_ARRAY ? json_first(data) : NULL;
	for (; e != NULL; e = json_next(e)) {
		if (json_type(e) != JSON_OBJECT)
			continue;
		const struct json_value *id = json_get(e, "id"), *is = json_get(e, "description");
		if (id == NULL || is == NULL || json_type(id) != JSON_STRING ||
		    json_type(is) != JSON_STRING || !is_left_behind(json_as_str(is)))
			continue;
		if (delete_by_id(app, json_as_str(id)) == EXIT_DONE)
			fprintf(stderr, "belfry: deleted %.*s, which a killed listener had left\n",
				STR_ARG(json_as_str(id)));
	}
	json_doc_free(d);
}

/* Of the newest 200 endpoints. That it does not succeed is told, and keeps nobody from listening. */
static void tidy_up(struct app *app)
{
	struct transfer t;

	transfer_init(&t, "GET");
	(void)api_url(app, "/v1/webhook-endpoints", NULL, &t.url); /* it has no places */
	api_query(&t.url, "limit", STR("200"));
	if (api_send(app, &t) == EXIT_DONE)
		delete_left(app, strbuf_str(&t.answer));
	transfer_deinit(&t);
}

/* --- the whole ------------------------------------------------------------------------------ */

static int open_server(struct listen *l)
{
	const struct app *app = l->app;
	int64_t port = 0;

	if (app->args.given[OPT_PORT] &&
	    is_err(parse_i64(app->args.value[OPT_PORT], 0, 65535, &port)))
		return app_fail(EXIT_USAGE, "--port: from 0 to 65535");
	const char *bind = app_option(app, OPT_BIND);
	struct err e = http_server_open(l->app->loop,
					&(struct http_server_options){
						.bind = bind == NULL ? "127.0.0.1" : bind,
						.port = (int)port,
						.max_headers = (size_t)16 * 1024,
						.max_body = BODY_MAX,
						.max_connections = 64,
						.header_timeout_us = 10 * USEC_PER_SEC,
						.body_timeout_us = 30 * USEC_PER_SEC,
						.idle_timeout_us = 30 * USEC_PER_SEC,
						.handler = on_request,
						.problem = on_problem,
						.arg = l,
					},
					&l->server);
	return is_err(e) ? app_fail(EXIT_REFUSED, "%s", e.what) : EXIT_DONE;
}

static int set_up(struct listen *l)
{
	const struct app *app = l->app;
	const char *secret = app_option(app, OPT_SECRET_FILE),
		   *url = app_option(app, OPT_PUBLIC_URL);
	const char *bind = app_option(app, OPT_BIND);
	struct strbuf own;

	int code = open_server(l);
	if (code != EXIT_DONE)
		return code;
	strbuf_init(&own, 4096);
	bool is_v6 = bind != NULL && strchr(bind, ':') != NULL;
	strbuf_addf(&own, "http://%s%s%s:%d/", is_v6 ? "[" : "", bind == NULL ? "127.0.0.1" : bind,
		    is_v6 ? "]" : "", http_server_port(l->server));
	if (secret != NULL) {
		code = read_secret(l, secret);
	} else {
		tidy_up(l->app);
		code = make_endpoint(l, url == NULL ? strbuf_str(&own) : str_from(url));
	}
	if (code == EXIT_DONE)
		fprintf(stderr, "listening on %s%s%s; Ctrl-C ends it\n", own.p,
			*l->endpoint == '\0' ? "" : " as ", l->endpoint);
	strbuf_deinit(&own);
	return code;
}

int cmd_listen(struct app *app, const struct command *c)
{
	struct listen l = { .app = app, .left = INT64_MAX, .code = EXIT_DONE };

	(void)c;
	if (app->args.given[OPT_EVENT_COUNT] &&
	    is_err(parse_i64(app->args.value[OPT_EVENT_COUNT], 1, INT64_MAX - 1, &l.left)))
		return app_fail(EXIT_USAGE, "--count: from 1 on");
	l.end = timer_new(app_loop(app), on_end, &l);
	/* before the endpoint is there: from then on an interrupt deletes it */
	loop_on_drain(app->loop, DRAIN_US, on_end, &l);
	l.code = set_up(&l);
	if (l.code == EXIT_DONE)
		(void)loop_run(app->loop); /* however it ends, the endpoint goes */
	int code = delete_endpoint(&l);
	if (l.server != NULL)
		http_server_close(l.server);
	loop_settle(app->loop);
	timer_free(l.end);
	mem_wipe(l.key, sizeof(l.key));
	return l.code == EXIT_DONE ? code : l.code;
}
