/* libcurl's multi interface driven by the loop: curl says which sockets and which moment it waits
 * for, the loop says when they came. A finished call goes back to a pool with its easy handle: to
 * make and set one up costs as much as a small request. */
#include "http/http_client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/mem.h"
#include "http/http_excerpt.h"
#include "http/http_outcome.h"

/* Once the headers are complete the verdict stands; the body is for the log only. */
#define BODY_PATIENCE_US (2 * USEC_PER_SEC)
#define SPARE_CALLS 64
#define RETRY_AFTER_MAX 64
#define HEADER_LINE_MAX ((size_t)16 * 1024)
#define RECEIVE_BUFFER 4096L
/* A receiver that moved is found after this; each address is judged whenever it is connected to. */
#define DNS_CACHE_S 10L

struct http_client {
	struct loop *loop;
	struct http_client_options o;
	CURLM *multi;
	CURLSH *share; /* TLS sessions, over the pooled handles */
	struct timer *curl_timer, *body_timer;
	usec_t mono_body_armed;
	struct heap bodies; /* calls whose headers are complete, by the end of patience */
	struct list calls;  /* in flight */
	struct list spare;
	struct strbuf line; /* one header line while it is made */
	bool is_freed;
};

struct http_call {
	struct http_client *client;
	struct list_node node;
	struct heap_node body_deadline;
	CURL *easy;
	struct curl_slist *headers;
	http_done_fn done;
	void *arg;
	usec_t mono_started, mono_headers;
	size_t n_header_bytes, n_body, n_kept;
	char *kept; /* keep_body bytes, made when a body first comes */
	char retry_after[RETRY_AFTER_MAX];
	size_t n_retry_after;
	int n_opened, n_blocked;
	bool has_headers, headers_too_large;
};

struct http_socket {
	struct http_client *client;
	struct event *event;
};

/* --- what curl asks while a call runs ----------------------------------------------------- */

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_call *call = arg;
	if (purpose != CURLSOCKTYPE_IPCXN ||
	    !address_is_allowed(call->client->o.policy, &a->addr)) {
		call->n_blocked++;
		return CURL_SOCKET_BAD;
	}
	call->n_opened++;
	return socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
}

static void arm_body_timer(struct http_client *c)
{
	const struct heap_node *first = heap_min(&c->bodies);
	if (!first || first->at >= c->mono_body_armed)
		return;
	c->mono_body_armed = first->at;
	timer_start_at(c->body_timer, first->at);
}

static void take_retry_after(struct http_call *call, struct str line)
{
	struct str name, value;
	if (!str_split(line, ':', &name, &value) || !str_eq_nocase(name, STR("retry-after")))
		return;
	call->n_retry_after = 0;
	for (size_t i = 0; i < value.n && call->n_retry_after < RETRY_AFTER_MAX; i++) {
		if (value.p[i] >= 0x20 && value.p[i] < 0x7f)
			call->retry_after[call->n_retry_after++] = value.p[i];
	}
}

/* One header line, with its line end. Interim answers (1xx) begin again with a status line, and
 * trailers of a chunked body come here too. */
static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	struct http_client *c = call->client;
	struct str line = { p, size * n };
	long status = 0;
	call->n_header_bytes += line.n;
	if (call->n_header_bytes > c->o.max_headers) {
		call->headers_too_large = !call->has_headers;
		return 0;
	}
	if (call->has_headers)
		return line.n;
	if (str_starts(line, STR("HTTP/")))
		call->n_retry_after = 0;
	if (p[0] != '\r' && p[0] != '\n') {
		take_retry_after(call, line);
		return line.n;
	}
	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status); /* 0 stays 0 */
	if (status >= 200) {
		call->has_headers = true;
		call->mono_headers = loop_mono(c->loop);
		heap_push(&c->bodies, &call->body_deadline, call->mono_headers + BODY_PATIENCE_US);
		arm_body_timer(c);
	}
	return line.n;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	const struct http_client_options *o = &call->client->o;
	size_t bytes = size * n;
	size_t kept = min_size(bytes, o->keep_body - call->n_kept);
	if (kept) {
		if (!call->kept)
			call->kept = xmalloc(o->keep_body);
		memcpy(call->kept + call->n_kept, p, kept);
		call->n_kept += kept;
	}
	call->n_body += bytes;
	return call->n_body > o->max_body ? 0 : bytes;
}

/* --- one call ----------------------------------------------------------------------------- */

#define SET(easy, option, value) ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK)

static void set_guards(CURL *e)
{
	/* libcurl sends a POST again, in silence, when a reused connection dies under it */
	SET(e, CURLOPT_FRESH_CONNECT, 1L);
	SET(e, CURLOPT_FORBID_REUSE, 1L);
	/* without it the end of a transfer waits for its resolver thread, and the loop with it */
	SET(e, CURLOPT_QUICK_EXIT, 1L);
	SET(e, CURLOPT_NOSIGNAL, 1L);
	SET(e, CURLOPT_FOLLOWLOCATION, 0L);
	SET(e, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(e, CURLOPT_PROXY, "");
	SET(e, CURLOPT_NOPROXY, "*");
	SET(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(e, CURLOPT_HTTP09_ALLOWED, 0L);
	SET(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(e, CURLOPT_SSL_VERIFYPEER, 1L);
	SET(e, CURLOPT_SSL_VERIFYHOST, 2L);
	SET(e, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
	SET(e, CURLOPT_DNS_CACHE_TIMEOUT, DNS_CACHE_S);
}

static struct http_call *call_new(struct http_client *c)
{
	struct http_call *call = xcalloc(1, sizeof(*call));
	CURL *e = curl_easy_init();
	ASSERT(e); /* fails for lack of memory only */
	call->client = c;
	call->easy = e;
	set_guards(e);
	SET(e, CURLOPT_SHARE, c->share);
	/* One file, no directory: only then does libcurl keep the parsed store between calls. */
	SET(e, CURLOPT_CAINFO, c->o.ca_file);
	SET(e, CURLOPT_CAPATH, NULL);
	SET(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(c->o.connect_timeout_us / USEC_PER_MS));
	SET(e, CURLOPT_TIMEOUT_MS, (long)(c->o.total_timeout_us / USEC_PER_MS));
	SET(e, CURLOPT_PRIVATE, call);
	SET(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	SET(e, CURLOPT_OPENSOCKETDATA, call);
	SET(e, CURLOPT_HEADERFUNCTION, on_header);
	SET(e, CURLOPT_HEADERDATA, call);
	SET(e, CURLOPT_WRITEFUNCTION, on_body);
	SET(e, CURLOPT_WRITEDATA, call);
	SET(e, CURLOPT_POST, 1L);
	return call;
}

static void call_free(struct http_call *call)
{
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	free(call->kept);
	free(call);
}

/* Back into the pool, with nothing of the last request left. */
static void call_release(struct http_call *call)
{
	struct http_client *c = call->client;
	if (c->spare.n >= SPARE_CALLS) {
		call_free(call);
		return;
	}
	curl_slist_free_all(call->headers);
	free(call->kept);
	*call = (struct http_call){ .client = c, .easy = call->easy };
	list_push_front(&c->spare, &call->node);
}

static struct http_call *call_take(struct http_client *c)
{
	struct list_node *node = list_pop_front(&c->spare);
	return node ? CONTAINER_OF(node, struct http_call, node) : call_new(c);
}

static enum http_outcome outcome_of(const struct http_call *call, CURLcode code)
{
	if (call->has_headers)
		return HTTP_OUT_RESPONSE;
	if (call->headers_too_large)
		return HTTP_OUT_BAD_RESPONSE;
	if (call->n_blocked && !call->n_opened)
		return HTTP_OUT_BLOCKED_IP;
	return http_outcome_of(code);
}

/* Ends a call: out of the lists first, so that the callback may post again, or free the client. */
static void finish(struct http_call *call, CURLcode code)
{
	struct http_client *c = call->client;
	long status = 0;
	const char *peer = NULL;
	usec_t mono_end = call->has_headers ? call->mono_headers : loop_mono(c->loop);
	heap_remove(&c->bodies, &call->body_deadline);
	list_remove(&c->calls, &call->node);
	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_IP, &peer);
	(void)curl_multi_remove_handle(c->multi, call->easy); /* it is in: cannot fail */

	char *excerpt = xmalloc(call->n_kept + 1);
	struct str raw = { call->kept, call->n_kept };
	struct str retry_after = { call->retry_after, call->n_retry_after };
	struct http_answer answer = {
		.outcome = outcome_of(call, code),
		.status = call->has_headers ? (int)status : 0,
		.retry_after = call->n_retry_after ? str_trim(retry_after) : STR_NONE,
		.excerpt = { excerpt, http_excerpt_clean(raw, excerpt) },
		.peer = call->n_opened ? str_from(peer) : STR_NONE,
		.duration_us = mono_end - call->mono_started,
	};
	call->done(&answer, call->arg);
	free(excerpt);
	if (c->is_freed)
		call_free(call);
	else
		call_release(call);
}

static struct curl_slist *add_line(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);
	ASSERT(longer); /* fails for lack of memory only */
	return longer;
}

static struct curl_slist *add_header(struct http_client *c, struct curl_slist *list,
				     const struct http_header *h)
{
	strbuf_reset(&c->line);
	strbuf_add(&c->line, str_from(h->name));
	strbuf_add(&c->line, STR(": "));
	strbuf_add(&c->line, h->value);
	return add_line(list, c->line.p);
}

static bool is_line(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];
		if (ch < 0x20 || ch == 0x7f)
			return false;
	}
	return s.n > 0 && s.n < HEADER_LINE_MAX / 2;
}

static struct err check_post(const struct http_client *c, const struct http_post *p)
{
	struct str u = str_from(p->url);
	struct str http = { u.p, min_size(u.n, 7) }, https = { u.p, min_size(u.n, 8) };
	if (!str_eq_nocase(http, STR("http://")) && !str_eq_nocase(https, STR("https://")))
		return ERR(ERR_INVALID, "the URL is neither http nor https");
	for (size_t i = 0; i < p->n_headers; i++) {
		if (!is_line(str_from(p->headers[i].name)) || !is_line(p->headers[i].value))
			return ERR(ERR_INVALID, "a header is empty, too long or has control bytes");
	}
	if ((int)c->calls.n >= c->o.max_in_flight)
		return ERR(ERR_OVERLOADED, "as many requests as allowed are in flight");
	return OK;
}

struct err http_post(struct http_client *c, const struct http_post *p, http_done_fn done, void *arg)
{
	TRY(check_post(c, p));
	struct http_call *call = call_take(c);
	/* libcurl would ask before it sends a large body, and wait a second for the answer */
	call->headers = add_line(NULL, "expect:");
	/* RFC 9112, 9.6; and who closes first keeps the port for a minute, which at a few hundred
	 * requests a second to one receiver would leave us without */
	call->headers = add_line(call->headers, "connection: close");
	for (size_t i = 0; i < p->n_headers; i++)
		call->headers = add_header(c, call->headers, &p->headers[i]);
	call->done = done;
	call->arg = arg;
	call->mono_started = loop_mono(c->loop);
	if (curl_easy_setopt(call->easy, CURLOPT_URL, p->url) != CURLE_OK) {
		call_release(call);
		return ERR(ERR_INVALID, "the URL is too long");
	}
	SET(call->easy, CURLOPT_POSTFIELDS, p->body.n ? p->body.p : "");
	SET(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->body.n);
	SET(call->easy, CURLOPT_HTTPHEADER, call->headers);
	list_push_back(&c->calls, &call->node);
	/* connects from the loop: nothing is sent, and done does not fire, inside this call */
	ASSERT(curl_multi_add_handle(c->multi, call->easy) == CURLM_OK);
	return OK;
}

/* --- the loop and curl -------------------------------------------------------------------- */

static void reap(struct http_client *c)
{
	CURLMsg *msg;
	int left;
	while (!c->is_freed && (msg = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct http_call *call = NULL;
		if (msg->msg != CURLMSG_DONE)
			continue;
		CURLcode code = msg->data.result;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call);
		finish(call, code);
	}
}

static void act(struct http_client *c, curl_socket_t fd, int what)
{
	int running;
	/* an error here means a socket curl has just closed, which no longer matters */
	(void)curl_multi_socket_action(c->multi, fd, what, &running);
	reap(c);
}

static void on_curl_timer(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int on_set_timer(CURLM *multi, long ms, void *arg)
{
	(void)multi;
	struct http_client *c = arg;
	if (ms < 0)
		timer_stop(c->curl_timer);
	else
		timer_start(c->curl_timer, (usec_t)ms * USEC_PER_MS);
	return 0;
}

static void on_body_timer(void *arg)
{
	struct http_client *c = arg;
	usec_t mono_now = loop_mono(c->loop);
	struct heap_node *node;
	c->mono_body_armed = USEC_NEVER;
	while (!c->is_freed && (node = heap_min(&c->bodies)) != NULL && node->at <= mono_now)
		finish(CONTAINER_OF(node, struct http_call, body_deadline), CURLE_OK);
	if (!c->is_freed)
		arm_body_timer(c);
}

static void on_socket_ready(evutil_socket_t fd, short what, void *arg)
{
	const struct http_socket *s = arg;
	act(s->client, fd,
	    (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void socket_free(struct http_socket *s)
{
	if (s->event)
		event_free(s->event);
	free(s);
}

static int on_watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	(void)easy;
	struct http_client *c = arg;
	struct http_socket *s = socket_arg;
	if (what == CURL_POLL_REMOVE) {
		(void)curl_multi_assign(c->multi, fd, NULL); /* unknown to curl: no more to do */
		if (s)
			socket_free(s);
		return 0;
	}
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->client = c;
		ASSERT(curl_multi_assign(c->multi, fd, s) == CURLM_OK);
	}
	short events = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
			       (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);
	if (s->event)
		event_free(s->event);
	s->event = event_new(loop_base(c->loop), fd, events, on_socket_ready, s);
	ASSERT(s->event); /* fails for lack of memory only */
	(void)event_add(s->event, NULL);
	return 0;
}

/* --- the life of a client ----------------------------------------------------------------- */

struct http_client *http_client_new(struct loop *l, const struct http_client_options *o)
{
	ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	struct http_client *c = xcalloc(1, sizeof(*c));
	c->loop = l;
	c->o = *o;
	if (!c->o.ca_file)
		c->o.ca_file = curl_version_info(CURLVERSION_NOW)->cainfo;
	c->multi = curl_multi_init();
	c->share = curl_share_init();
	ASSERT(c->multi && c->share); /* fail for lack of memory only */
	(void)curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_watch_socket);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_set_timer);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	c->curl_timer = timer_new(l, on_curl_timer, c);
	c->body_timer = timer_new(l, on_body_timer, c);
	c->mono_body_armed = USEC_NEVER;
	heap_init(&c->bodies);
	list_init(&c->calls);
	list_init(&c->spare);
	strbuf_init(&c->line, HEADER_LINE_MAX);
	return c;
}

int http_client_in_flight(const struct http_client *c)
{
	return (int)c->calls.n;
}

/* After the last call: one may be ending right now, in the callback that freed the client. */
static void client_destroy(void *p)
{
	struct http_client *c = p;
	ASSERT(curl_share_cleanup(c->share) == CURLSHE_OK);
	free(c);
	curl_global_cleanup();
}

void http_client_free(struct http_client *c)
{
	struct list_node *n;
	if (!c)
		return;
	c->is_freed = true;
	while ((n = list_pop_front(&c->calls)) != NULL) {
		struct http_call *call = CONTAINER_OF(n, struct http_call, node);
		(void)curl_multi_remove_handle(c->multi, call->easy); /* it is in: cannot fail */
		heap_remove(&c->bodies, &call->body_deadline);
		call_free(call);
	}
	while ((n = list_pop_front(&c->spare)) != NULL)
		call_free(CONTAINER_OF(n, struct http_call, node));
	(void)curl_multi_cleanup(c->multi);
	timer_free(c->curl_timer);
	timer_free(c->body_timer);
	heap_deinit(&c->bodies);
	strbuf_deinit(&c->line);
	loop_defer_free(c->loop, c, client_destroy);
}
