/* Three paths on an http_server with small limits. */
#include "http/metrics_server.h"

#include <stdlib.h>

#include "base/mem.h"
#include "http/http_server.h"
#include "sys/process.h"

#define HEADERS_MAX ((size_t)16 * 1024)
#define BODY_MAX ((size_t)4096)
#define CONNECTIONS_MAX 64
#define TIMEOUT_US (10 * USEC_PER_SEC)
#define TEXT_TYPE "text/plain; charset=utf-8"

struct metrics_server {
	struct metrics_server_options o;
	struct http_server *http;
};

static void reply_metrics(const struct metrics_server *s, struct http_request *r)
{
	struct strbuf b;

	strbuf_init(&b, METRICS_TEXT_MAX);
	metrics_write(s->o.metrics, &b);
	if (strbuf_overflowed(&b))
		http_reply(r, 500, TEXT_TYPE, STR("too many series\n"));
	else
		http_reply(r, 200, METRICS_CONTENT_TYPE, strbuf_str(&b));
	strbuf_deinit(&b);
}

static void on_request(struct http_request *r, void *arg)
{
	const struct metrics_server *s = arg;
	struct str path = http_request_path(r);
	enum http_method method = http_request_method(r);

	if (method != HTTP_GET && method != HTTP_HEAD) {
		http_reply(r, 405, TEXT_TYPE, STR("only GET\n"));
	} else if (str_eq(path, STR("/metrics"))) {
		reply_metrics(s, r);
	} else if (str_eq(path, STR("/healthz"))) {
		http_reply(r, 200, TEXT_TYPE, STR("ok\n"));
	} else if (str_eq(path, STR("/readyz"))) {
		bool is_ready = s->o.is_ready(s->o.arg);
		http_reply(r, is_ready ? 200 : 503, TEXT_TYPE,
			   is_ready ? STR("ready\n") : STR("not ready\n"));
	} else {
		http_reply(r, 404, TEXT_TYPE, STR("/metrics /healthz /readyz\n"));
	}
}

static void on_violation(const struct http_violation *v, struct strbuf *body,
			 char request_id[HTTP_REQUEST_ID_SIZE], void *arg)
{
	(void)arg; /* nothing is counted here */
	request_id[0] = '\0';
	strbuf_addf(body, "%s\n", v->detail);
}

static void add_loop(struct loop *l, struct metrics *m)
{
	loop_measure(
		l,
		metrics_histogram(m,
				  &(struct metric){ .name = "belfry_loop_turn_seconds",
						    .help = "How long a turn of the loop took." },
				  HISTOGRAM_SHORT),
		metrics_histogram(m,
				  &(struct metric){ .name = "belfry_loop_lag_seconds",
						    .help = "How late a timer of the loop ran." },
				  HISTOGRAM_SHORT));
}

struct err metrics_server_open(struct loop *l, const struct metrics_server_options *o,
			       struct metrics_server **out)
{
	struct metrics_server *s = xcalloc(1, sizeof(*s));

	s->o = *o;
	metrics_add_process(o->metrics, o->service);
	add_loop(l, o->metrics);
	if (o->settings.port >= 0) {
		struct http_server_options http = { .bind = o->settings.bind,
						    .port = (int)o->settings.port,
						    .max_headers = HEADERS_MAX,
						    .max_body = BODY_MAX,
						    .max_connections = CONNECTIONS_MAX,
						    .header_timeout_us = TIMEOUT_US,
						    .body_timeout_us = TIMEOUT_US,
						    .idle_timeout_us = 6 * TIMEOUT_US,
						    .handler = on_request,
						    .problem = on_violation,
						    .arg = s };
		struct err e = http_server_open(l, &http, &s->http);
		if (is_err(e)) {
			free(s);
			return e;
		}
		process_port(o->settings.port_file, http_server_port(s->http));
	}
	*out = s;
	return OK;
}

void metrics_server_close(struct metrics_server *s)
{
	if (s == NULL)
		return;
	if (s->http != NULL)
		http_server_close(s->http);
	free(s);
}
