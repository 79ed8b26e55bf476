/* The floor of sending webhooks: a bare loop of libcurl's multi interface, nothing else. No signature,
 * no log, no database, one body for all.
 *
 *   curl_multi PORT REQUESTS IN_FLIGHT BODY_BYTES fresh|kept
 *
 * `fresh` makes a connection for each request, as webhooks must (libcurl sends a POST again, in
 * silence, when a kept connection dies under it). Ends with `requests=N failed=N wall_s=N cpu_s=N`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <curl/curl.h>

#include "base/mem.h"
#include "base/parse.h"
#include "sys/clock.h"

struct floor {
	CURLM *multi;
	char url[64];
	char *body;
	int64_t body_bytes, wanted, sent, answered, failed;
	struct curl_slist *headers;
	long is_fresh;
};

static const char *const header_lines[] = {
	"expect:",
	"content-type: application/json",
	"user-agent: Belfry-Webhooks/1",
	"webhook-id: evt_01kar3v8zte5prsf8gd3t3w5rb",
	"webhook-timestamp: 1763892000",
	"webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	"belfry-delivery: dlv_01kar3v8zte5prsf8gd3t3w5rb",
	"belfry-attempt: 1",
};

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return size * n;
}

static CURL *handle_new(const struct floor *f)
{
	CURL *e = curl_easy_init();
	curl_easy_setopt(e, CURLOPT_URL, f->url);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, f->headers);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, f->body);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)f->body_bytes);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, f->is_fresh);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, f->is_fresh);
	return e;
}

static void begin(struct floor *f, CURL *e)
{
	f->sent++;
	if (curl_multi_add_handle(f->multi, e) != CURLM_OK)
		exit(1);
}

/* What has ended makes room for the next request with the same handle. */
static void reap(struct floor *f)
{
	CURLMsg *msg;
	int left;
	while ((msg = curl_multi_info_read(f->multi, &left)) != NULL) {
		CURL *e = msg->easy_handle;
		long status = 0;
		f->failed += msg->data.result != CURLE_OK;
		curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
		f->failed += msg->data.result == CURLE_OK && status != 200;
		f->answered++;
		curl_multi_remove_handle(f->multi, e);
		if (f->sent < f->wanted)
			begin(f, e);
		else
			curl_easy_cleanup(e);
	}
}

static void run(struct floor *f, int64_t in_flight)
{
	int running;
	for (int64_t i = 0; i < in_flight && f->sent < f->wanted; i++)
		begin(f, handle_new(f));
	while (f->answered < f->wanted) {
		if (curl_multi_perform(f->multi, &running) != CURLM_OK)
			exit(1);
		reap(f);
		if (curl_multi_poll(f->multi, NULL, 0, 1000, NULL) != CURLM_OK)
			exit(1);
	}
}

static int64_t number(const char *text, int64_t max)
{
	int64_t v = 0;
	if (is_err(parse_i64(str_from(text), 1, max, &v))) {
		fprintf(stderr, "%s is no number from 1 to %" PRId64 "\n", text, max);
		exit(2);
	}
	return v;
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fputs("usage: curl_multi PORT REQUESTS IN_FLIGHT BODY_BYTES fresh|kept\n", stderr);
		return 2;
	}
	struct floor f = { .wanted = number(argv[2], 100000000),
			   .body_bytes = number(argv[4], 65536),
			   .is_fresh = strcmp(argv[5], "fresh") == 0 };
	struct rusage u;
	(void)snprintf(f.url, sizeof(f.url), "http://127.0.0.1:%d/hook",
		       (int)number(argv[1], 65535)); /* fits */
	f.body = xmalloc((size_t)f.body_bytes);
	memset(f.body, 'x', (size_t)f.body_bytes);
	for (size_t i = 0; i < ARRAY_LEN(header_lines); i++)
		f.headers = curl_slist_append(f.headers, header_lines[i]);
	/* The receiver closes first, and keeps the port: the client would run out of them. */
	if (f.is_fresh)
		f.headers = curl_slist_append(f.headers, "connection: close");
	f.multi = curl_multi_init();
	usec_t mono_begun = clock_mono();
	run(&f, number(argv[3], 4096));
	double wall_s = (double)(clock_mono() - mono_begun) / 1e6;
	(void)getrusage(RUSAGE_SELF, &u); /* cannot fail */
	printf("requests=%" PRId64 " failed=%" PRId64 " wall_s=%.3f cpu_s=%.3f\n", f.answered,
	       f.failed, wall_s,
	       (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	curl_multi_cleanup(f.multi);
	curl_slist_free_all(f.headers);
	free(f.body);
	return f.failed != 0;
}
