/* How many POSTs a second the HTTP client makes, each on a fresh connection, and what one costs in
 * CPU of this process.
 *
 *   bench_http_client PORT [REQUESTS] [IN_FLIGHT] [BODY_BYTES]
 *
 * PORT is that of a running http_sink. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>

#include "base/mem.h"
#include "base/parse.h"
#include "http/http_client.h"
#include "sys/clock.h"

struct bench {
	struct loop *loop;
	struct http_client *client;
	char url[64];
	struct str body;
	int64_t wanted, sent, answered, failed;
	usec_t mono_started, mono_ended;
};

static void on_done(const struct http_answer *a, void *arg);

static void post_one(struct bench *b)
{
	const struct http_header headers[] = {
		{ "content-type", STR("application/json") },
		{ "user-agent", STR("Belfry-Webhooks/1") },
		{ "webhook-id", STR("evt_01kar3v8zte5prsf8gd3t3w5rb") },
		{ "webhook-timestamp", STR("1763892000") },
		{ "webhook-signature", STR("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=") },
		{ "belfry-delivery", STR("dlv_01kar3v8zte5prsf8gd3t3w5rb") },
		{ "belfry-attempt", STR("1") },
	};
	struct err e = http_post(b->client,
				 &(struct http_post){ .url = b->url,
						      .headers = headers,
						      .n_headers = ARRAY_LEN(headers),
						      .body = b->body },
				 on_done, b);
	if (is_err(e)) {
		fprintf(stderr, "%s\n", e.what);
		exit(1);
	}
	b->sent++;
}

static void on_done(const struct http_answer *a, void *arg)
{
	struct bench *b = arg;
	b->answered++;
	if (a->outcome != HTTP_OUT_RESPONSE || a->status != 200) {
		if (b->failed++ == 0)
			fprintf(stderr, "first failure: %s %d\n", http_outcome_name(a->outcome),
				a->status);
	}
	if (b->sent < b->wanted)
		post_one(b);
	if (b->answered == b->wanted) {
		b->mono_ended = clock_mono();
		loop_stop(b->loop);
	}
}

static int64_t argument(int argc, char **argv, int i, int64_t fallback)
{
	int64_t v = fallback;
	if (i < argc && is_err(parse_i64(str_from(argv[i]), 1, 100000000, &v))) {
		fputs("usage: bench_http_client PORT [REQUESTS] [IN_FLIGHT] [BODY_BYTES]\n",
		      stderr);
		exit(2);
	}
	return v;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void report(const struct bench *b)
{
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u); /* cannot fail */
	double wall = (double)(b->mono_ended - b->mono_started) / 1e6;
	double user = seconds(u.ru_utime), sys = seconds(u.ru_stime);
	double n = (double)b->wanted;
	printf("%" PRId64 " requests, %" PRId64 " failed, %.2f s: %.0f a second; CPU %.1f us each "
	       "(%.1f user, %.1f system): %.0f a second on one core; %ld KB resident\n",
	       b->wanted, b->failed, wall, n / wall, (user + sys) * 1e6 / n, user * 1e6 / n,
	       sys * 1e6 / n, n / (user + sys), u.ru_maxrss);
}

int main(int argc, char **argv)
{
	int64_t port = argument(argc, argv, 1, 0);
	struct bench b = { .wanted = argument(argc, argv, 2, 50000) };
	int64_t in_flight = argument(argc, argv, 3, 64);
	size_t n_body = (size_t)argument(argc, argv, 4, 900);
	char *body = xmalloc(n_body);
	struct address_policy *policy;
	memset(body, 'x', n_body);
	b.body = (struct str){ body, n_body };
	if (port == 0 || is_err(address_policy_new(STR("127.0.0.0/8"), &policy)))
		return 2;
	(void)snprintf(b.url, sizeof(b.url), "http://127.0.0.1:%d/hooks/belfry", (int)port);
	b.loop = loop_new();
	b.client = http_client_new(
		b.loop, &(struct http_client_options){ .max_in_flight = 512,
						       .policy = policy,
						       .connect_timeout_us = 5 * USEC_PER_SEC,
						       .total_timeout_us = 15 * USEC_PER_SEC,
						       .max_headers = 32768,
						       .max_body = 16384,
						       .keep_body = 2048 });
	b.mono_started = clock_mono();
	for (int64_t i = 0; i < in_flight && b.sent < b.wanted; i++)
		post_one(&b);
	int code = loop_run(b.loop);
	report(&b);
	http_client_free(b.client);
	loop_free(b.loop);
	address_policy_free(policy);
	free(body);
	return code || b.failed != 0;
}
