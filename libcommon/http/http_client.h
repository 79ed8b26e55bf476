/* Many outgoing requests at a time: libcurl multi on the loop, with the guards a webhook needs: a
 * fresh connection each time (libcurl silently resends a POST on a reused one that died), no
 * redirects, no proxy, http and https only, the address judged at connect time, deadlines, caps on
 * headers and body. One request is at most one request on the wire. */
#ifndef BELFRY_HTTP_HTTP_CLIENT_H
#define BELFRY_HTTP_HTTP_CLIENT_H

#include "base/err.h"
#include "base/str.h"
#include "loop/loop.h"
#include "sec/address.h"

struct http_client;
struct http_call;

struct http_client_options {
	int max_in_flight;                   /* 512; more answer ERR_OVERLOADED */
	const struct address_policy *policy; /* borrowed */
	usec_t connect_timeout_us, total_timeout_us;
	size_t max_headers;  /* 32 KiB: over it the request failed */
	size_t max_body;     /* read at most this much of the answer */
	size_t keep_body;    /* and keep this much for the log */
	const char *ca_file; /* borrowed; NULL = the system's */
};

enum http_outcome {
	HTTP_OUT_RESPONSE = 0, /* complete headers came; see status. The body may be cut */
	HTTP_OUT_TIMEOUT,
	HTTP_OUT_DNS,
	HTTP_OUT_CONNECT,
	HTTP_OUT_TLS,
	HTTP_OUT_BLOCKED_IP,   /* before a packet left */
	HTTP_OUT_RESET,        /* closed or reset without complete headers */
	HTTP_OUT_BAD_RESPONSE, /* not HTTP, or headers over the limit */
	HTTP_OUTCOME_COUNT
};

struct http_answer {
	enum http_outcome outcome;
	int status;
	struct str retry_after; /* header text, or STR_NONE */
	struct str excerpt;     /* valid UTF-8, at most keep_body bytes */
	struct str peer;        /* address connected to, or empty */
	usec_t duration_us;     /* until the headers were complete, or the failure */
};

const char *http_outcome_name(enum http_outcome o); /* "timeout", "dns_error", "blocked_ip", ... */

typedef void (*http_done_fn)(const struct http_answer *a, void *arg);

struct http_client *http_client_new(struct loop *l, const struct http_client_options *o);
void http_client_free(struct http_client *c); /* in-flight calls end without a callback */
int http_client_in_flight(const struct http_client *c);

struct http_header {
	const char *name;
	struct str value;
};

struct http_post {
	const char *url;
	const struct http_header *headers;
	size_t n_headers;
	struct str body;
};

/* url, headers and body are borrowed until done fires (exactly once, from the loop). */
struct err http_post(struct http_client *c, const struct http_post *p, http_done_fn done,
		     void *arg) MUST_USE;

#endif
