/* What needs no key: is it alive, can it serve, its numbers, its contract. */
#include "base/embed.h"
#include "handlers.h"
#include "sys/metrics.h"

void health_live(struct req *r)
{
	req_reply(r, 200, "text/plain; charset=utf-8", STR("ok\n"));
}

void health_ready(struct req *r)
{
	struct strbuf *b = &r->out;
	bool is_ready = r->app->is_ready && pg_pool_is_ready(r->app->pg);
	strbuf_deinit(b);
	strbuf_init(b, RESPONSE_MAX);
	strbuf_addf(b, "%s\ntzdata %s\n", is_ready ? "ready" : "not ready",
		    zone_table_version(r->app->zones));
	req_reply(r, is_ready ? 200 : 503, "text/plain; charset=utf-8", strbuf_str(b));
}

void health_metrics(struct req *r)
{
	struct strbuf *b = &r->out;
	if (!r->app->settings.http_metrics) {
		req_not_found(r);
		return;
	}
	strbuf_deinit(b);
	strbuf_init(b, METRICS_TEXT_MAX);
	metrics_write(r->app->metrics, b);
	req_reply(r, 200, METRICS_CONTENT_TYPE, strbuf_str(b));
}

void health_openapi(struct req *r)
{
	const struct embed_file *file = embed_find("proto/openapi.yaml");
	if (file == NULL)
		req_fail(r, PROBLEM_NOT_FOUND, "This build has no OpenAPI document.");
	else
		req_reply(r, 200, "application/yaml", file->text);
}
