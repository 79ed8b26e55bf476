/* libcurl's options, and what comes back from its callbacks. */
#include "transfer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/mem.h"

#define URL_MAX ((size_t)16 * 1024)
#define BODY_MAX ((size_t)8 * 1024 * 1024)
#define ANSWER_MAX ((size_t)32 * 1024 * 1024)
#define HEADER_MAX ((size_t)8 * 1024)
#define CONNECT_TIMEOUT_S 10L
#define TOTAL_TIMEOUT_S 180L
#define SILENCE_S 60L
#define UPLOAD_BUFFER (256L * 1024)

struct transfer_line {
	CURL *easy;
	const char *ca_file;
	struct strbuf authorization;
};

/* What the callbacks work on. */
struct exchange {
	CURL *easy;
	struct transfer *t;
	bool sink_ended, is_too_large;
};

#define SET(easy, option, value) ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK)

struct transfer_line *transfer_line_new(const char *api_key, const char *ca_file)
{
	struct transfer_line *l = xcalloc(1, sizeof(*l));

	ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	l->easy = curl_easy_init();
	ASSERT(l->easy != NULL); /* fails for lack of memory only */
	l->ca_file = ca_file;
	strbuf_init(&l->authorization, HEADER_MAX);
	strbuf_addf(&l->authorization, "Authorization: Bearer %s", api_key);
	return l;
}

void transfer_line_free(struct transfer_line *l)
{
	if (l == NULL)
		return;
	curl_easy_cleanup(l->easy);
	mem_wipe(l->authorization.p, l->authorization.n);
	strbuf_deinit(&l->authorization);
	free(l);
	curl_global_cleanup();
}

void transfer_init(struct transfer *t, const char *method)
{
	*t = (struct transfer){ .method = method,
				.upload_fd = TRANSFER_NO_UPLOAD,
				.upload_bytes = -1 };
	strbuf_init(&t->url, URL_MAX);
	strbuf_init(&t->body, BODY_MAX);
	strbuf_init(&t->answer, ANSWER_MAX);
}

void transfer_deinit(struct transfer *t)
{
	strbuf_deinit(&t->url);
	strbuf_deinit(&t->body);
	strbuf_deinit(&t->answer);
}

/* --- callbacks ------------------------------------------------------------------------------ */

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	struct transfer *t = x->t;
	long status = 0;

	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status); /* 0 stays 0 */
	if (t->sink != NULL && status >= 200 && status < 300) {
		t->has_sunk = true;
		x->sink_ended = !t->sink((struct str){ p, size * n }, t->arg);
		return x->sink_ended ? 0 : size * n;
	}
	strbuf_add_bytes(&t->answer, p, size * n);
	x->is_too_large = strbuf_overflowed(&t->answer);
	return x->is_too_large ? 0 : size * n;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	struct str line = { p, size * n }, name, value;

	if (str_starts(line, STR("HTTP/")))
		x->t->retry_after[0] = '\0'; /* an interim answer came before */
	if (str_split(line, ':', &name, &value) && str_eq_nocase(name, STR("retry-after"))) {
		while (value.n > 0 &&
		       (value.p[value.n - 1] == '\r' || value.p[value.n - 1] == '\n'))
			value.n--;
		value = str_trim(value);
		value.n = min_size(value.n, TRANSFER_HEADER_SIZE - 1);
		memcpy(x->t->retry_after, value.p, value.n);
		x->t->retry_after[value.n] = '\0';
	}
	return line.n;
}

static size_t on_read(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	ssize_t got;

	do {
		got = read(x->t->upload_fd, p, size * n);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
		       curl_off_t up)
{
	const struct exchange *x = arg;

	(void)down_total, (void)down, (void)up_total; /* the caller knows its file */
	if (x->t->progress != NULL)
		x->t->progress((int64_t)up, x->t->arg);
	return 0;
}

/* --- one request ---------------------------------------------------------------------------- */

static struct curl_slist *add_line(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);

	ASSERT(longer != NULL); /* fails for lack of memory only */
	return longer;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
	struct strbuf b;

	if (value == NULL)
		return list;
	strbuf_init(&b, HEADER_MAX);
	strbuf_addf(&b, "%s: %s", name, value);
	if (!strbuf_overflowed(&b))
		list = add_line(list, b.p);
	strbuf_deinit(&b);
	return list;
}

static struct curl_slist *headers_of(const struct transfer_line *l, const struct transfer *t)
{
	/* libcurl would ask before it sends a large body, and wait a second for the answer */
	struct curl_slist *list = add_line(NULL, "Expect:");

	list = add_line(list, l->authorization.p);
	list = add_header(list, "Accept", t->accept);
	list = add_header(list, "Content-Type", t->content_type);
	list = add_header(list, "Idempotency-Key", t->idempotency_key);
	list = add_header(list, "Last-Event-ID", t->last_event_id);
	if (t->upload_fd != TRANSFER_NO_UPLOAD && t->upload_bytes < 0)
		list = add_line(list, "Transfer-Encoding: chunked");
	return list;
}

static void set_body(CURL *e, struct exchange *x)
{
	struct transfer *t = x->t;

	if (t->upload_fd != TRANSFER_NO_UPLOAD) {
		SET(e, CURLOPT_POST, 1L);
		SET(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->upload_bytes);
		SET(e, CURLOPT_READFUNCTION, on_read);
		SET(e, CURLOPT_READDATA, x);
		SET(e, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
	} else if (strcmp(t->method, "GET") != 0 && strcmp(t->method, "DELETE") != 0) {
		SET(e, CURLOPT_POSTFIELDS, t->body.n > 0 ? t->body.p : "");
		SET(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.n);
	}
	if (strcmp(t->method, "GET") != 0)
		SET(e, CURLOPT_CUSTOMREQUEST, t->method);
}

static void set_up(const struct transfer_line *l, struct exchange *x)
{
	CURL *e = l->easy;
	const struct transfer *t = x->t;

	curl_easy_reset(e); /* keeps the connection */
	SET(e, CURLOPT_URL, t->url.p);
	SET(e, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(e, CURLOPT_FOLLOWLOCATION, 0L); /* the key is for this address only */
	SET(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(e, CURLOPT_HTTP09_ALLOWED, 0L);
	SET(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(e, CURLOPT_USERAGENT, "belfry/" BELFRY_VERSION);
	SET(e, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	if (t->is_long) {
		SET(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
		SET(e, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
	} else {
		SET(e, CURLOPT_TIMEOUT, TOTAL_TIMEOUT_S);
	}
	/* libcurl repeats a request in silence when a kept connection dies under it */
	if (strcmp(t->method, "GET") != 0)
		SET(e, CURLOPT_FRESH_CONNECT, 1L);
	if (*l->ca_file != '\0')
		SET(e, CURLOPT_CAINFO, l->ca_file);
	set_body(e, x);
	SET(e, CURLOPT_WRITEFUNCTION, on_body);
	SET(e, CURLOPT_WRITEDATA, x);
	SET(e, CURLOPT_HEADERFUNCTION, on_header);
	SET(e, CURLOPT_HEADERDATA, x);
	SET(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(e, CURLOPT_XFERINFODATA, x);
	SET(e, CURLOPT_NOPROGRESS, t->progress == NULL ? 1L : 0L);
}

static enum transfer_end end_of(const struct exchange *x, CURLcode code)
{
	if (code == CURLE_OK)
		return TRANSFER_ANSWERED;
	if (x->sink_ended || code == CURLE_ABORTED_BY_CALLBACK)
		return TRANSFER_STOPPED;
	if (x->t->status >= 200)
		return TRANSFER_CUT;
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
	    code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_URL_MALFORMAT ||
	    code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_PEER_FAILED_VERIFICATION ||
	    code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CACERT_BADFILE)
		return TRANSFER_UNREACHED;
	return TRANSFER_LOST;
}

void transfer_run(struct transfer_line *l, struct transfer *t)
{
	struct exchange x = { .easy = l->easy, .t = t };
	struct curl_slist *headers = headers_of(l, t);
	char words[CURL_ERROR_SIZE] = "";
	long status = 0;

	strbuf_reset(&t->answer);
	t->retry_after[0] = '\0';
	t->has_sunk = false;
	set_up(l, &x);
	SET(l->easy, CURLOPT_HTTPHEADER, headers);
	SET(l->easy, CURLOPT_ERRORBUFFER, words);
	CURLcode code = curl_easy_perform(l->easy);
	(void)curl_easy_getinfo(l->easy, CURLINFO_RESPONSE_CODE, &status); /* 0 stays 0 */
	curl_easy_reset(l->easy); /* forgets the headers and the buffer on this stack */
	curl_slist_free_all(headers);
	t->status = (int)status;
	t->end = end_of(&x, code);
	const char *why = *words != '\0' ? words : curl_easy_strerror(code);
	if (x.is_too_large)
		why = "the answer is over 32 MiB";
	(void)snprintf(t->words, sizeof(t->words), "%s", why); /* a long one is cut */
}
