/* What needs no key: is it alive, can it serve, its numbers, its contract. */
#include "base/embed.h"
#include "handlers.h"

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
	strbuf_deinit(b);
	strbuf_init(b, RESPONSE_MAX);
	strbuf_add(b,
		   STR("# HELP belfry_http_requests_total Answers by the class of their status.\n"
		       "# TYPE belfry_http_requests_total counter\n"));
	for (int class = 2; class <= 5; class ++)
		strbuf_addf(b, "belfry_http_requests_total{class=\"%dxx\"} %" PRId64 "\n", class,
			    r->app->answers[class]);
	strbuf_addf(b,
		    "# HELP belfry_http_in_flight Requests not yet answered.\n"
		    "# TYPE belfry_http_in_flight gauge\nbelfry_http_in_flight %zu\n"
		    "# HELP belfry_pg_pending Units waiting for Postgres or on the wire.\n"
		    "# TYPE belfry_pg_pending gauge\nbelfry_pg_pending %zu\n"
		    "# HELP belfry_pg_up Whether a connection to Postgres is usable.\n"
		    "# TYPE belfry_pg_up gauge\nbelfry_pg_up %d\n"
		    "# HELP belfry_redis_up Whether Redis is connected.\n"
		    "# TYPE belfry_redis_up gauge\nbelfry_redis_up %d\n"
		    "# HELP belfry_tzdata_info The version of the time zone database in use.\n"
		    "# TYPE belfry_tzdata_info gauge\nbelfry_tzdata_info{version=\"%s\"} 1\n",
		    http_server_in_flight(r->app->http), pg_pool_pending(r->app->pg),
		    pg_pool_is_ready(r->app->pg), redis_is_up(r->app->redis),
		    zone_table_version(r->app->zones));
	req_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", strbuf_str(b));
}

void health_openapi(struct req *r)
{
	const struct embed_file *file = embed_find("proto/openapi.yaml");
	if (file == NULL)
		req_fail(r, PROBLEM_NOT_FOUND, "This build has no OpenAPI document.");
	else
		req_reply(r, 200, "application/yaml", file->text);
}
