/* Answers in pieces, and files made of pages: a page is read when the client has taken what it was
 * sent. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "measure.h"
#include "route.h"
#include "sys/log.h"
#include "transfers.h"

#define PAGE_BYTES_MAX                                                                             \
	((size_t)64 * 1024 * 1024) /* of 500 rows with all their texts at their limits */
#define DOWNLOADS_MAX 32

void req_stream_begin(struct req *r, const char *content_type, loop_fn drained, void *arg)
{
	req_reply_headers(r);
	http_reply_header(r->http, "Cache-Control", "no-store");
	measure_answer(r->app, 200, loop_mono(r->app->loop) - r->mono_began);
	http_reply_begin(r->http, 200, content_type, drained, arg);
}

void req_stream_end(struct req *r, bool is_whole)
{
	struct http_request *http = r->http;
	char ws[ID_TEXT_SIZE], trace[TRACE_TEXT_SIZE];
	loop_refresh_time(r->app->loop);
	log_info("request", LS("method", route_method_name(http_request_method(http))),
		 LS("route", r->route->pattern), LI("status", 200),
		 LI("us", loop_mono(r->app->loop) - r->mono_began),
		 LS("workspace", id_format(ID_WORKSPACE, r->who.workspace_id, ws)),
		 LS("request_id", r->request_id), LS("trace", trace_text(r->trace.id, trace)),
		 LI("is_whole", is_whole));
	strbuf_deinit(&r->out);
	if (is_whole)
		http_reply_end(http);
	else
		http_reply_abort(http);
}

struct download {
	struct req *r;
	struct list_node node;
	const struct download_source *source;
	struct pg_unit *unit;
	int64_t after;
	bool is_last; /* all that there is was written */
	struct strbuf page;
};

static void end(struct download *d, bool is_whole)
{
	struct req *r = d->r;
	list_remove(&r->app->downloads, &d->node);
	if (d->unit != NULL)
		pg_cancel(d->unit);
	strbuf_deinit(&d->page);
	free(d);
	req_stream_end(r, is_whole);
}

static void on_page(struct err e, const struct pg_unit *u, void *arg)
{
	struct download *d = arg;
	d->unit = NULL;
	if (is_err(e)) {
		log_warn("download_failed", LS("request_id", d->r->request_id), LERR(e),
			 LS("sqlstate", pg_unit_sqlstate(u)), LS("message", pg_unit_message(u)));
		end(d, false);
		return;
	}
	strbuf_reset(&d->page);
	d->is_last = !d->source->write(d->r, pg_unit_result(u, 0), &d->page, &d->after);
	if (strbuf_overflowed(&d->page)) {
		end(d, false);
		return;
	}
	http_reply_write(d->r->http, strbuf_str(&d->page));
	if (d->is_last)
		end(d, true);
}

/* The client has taken everything, or is gone. */
static void on_drained(void *arg)
{
	struct download *d = arg;
	if (http_request_is_gone(d->r->http)) {
		end(d, false);
		return;
	}
	if (d->unit != NULL)
		return;
	struct pg_unit *u = pg_unit_new();
	d->source->add(d->r, u, d->after);
	if (is_err(pg_submit(d->r->app->bulk, u, on_page, d)))
		end(d, false);
	else
		d->unit = u;
}

void download_start(struct req *r, const struct download_source *source)
{
	char value[96];
	if (http_request_is_gone(r->http) || r->app->downloads.n >= DOWNLOADS_MAX) {
		req_fail(r, PROBLEM_OVERLOADED, "Too many files are being read at this time.");
		return;
	}
	struct download *d = xcalloc(1, sizeof(*d));
	d->r = r;
	d->source = source;
	strbuf_init(&d->page, PAGE_BYTES_MAX);
	list_push_back(&r->app->downloads, &d->node);
	(void)snprintf(value, sizeof(value), "attachment; filename=\"%s\"",
		       source->filename); /* short names */
	http_reply_header(r->http, "Content-Disposition", value);
	req_stream_begin(r, "text/csv; charset=utf-8", on_drained, d);
	http_reply_write(r->http, str_from(source->header));
	if (http_request_method(r->http) == HTTP_HEAD)
		end(d, true);
}

void downloads_drop(struct app *app)
{
	struct list_node *n;
	while ((n = list_first(&app->downloads)) != NULL)
		end(CONTAINER_OF(n, struct download, node), false);
}
