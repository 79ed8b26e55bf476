/* Requests as strangers send them. Besides not crashing: the head is found at the same place in
 * whatever pieces it comes; what the judge accepts keeps its promises; a chunked body decodes to
 * the same bytes at once and byte by byte. */
#include <stdlib.h>
#include <string.h>

#include "http/http_excerpt.h"
#include "http/http_framing.h"

#define BODY_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct str path)
{
	ASSERT(path.n > 0 && path.p[0] == '/');
	ASSERT(str_is_utf8(path));
	for (size_t i = 0; i < path.n; i++) {
		ASSERT((unsigned char)path.p[i] >= 0x20 && path.p[i] != 0x7f);
		ASSERT(i == 0 || path.p[i] != '/' || path.p[i - 1] != '/');
		ASSERT(i == 0 || path.p[i] != '.' || path.p[i - 1] != '.');
	}
}

static void check_head(const struct http_head *h, struct arena *a)
{
	struct str query = h->query, name, value;
	int hosts = 0, lengths = 0, codings = 0;
	check_path(h->path);
	while (http_query_next(&query, a, &name, &value))
		ASSERT(str_is_utf8(name) && str_is_utf8(value));
	for (size_t i = 0; i < h->n_fields; i++) {
		struct str field = h->fields[i].name;
		hosts += str_eq_nocase(field, STR("host"));
		lengths += str_eq_nocase(field, STR("content-length"));
		codings += str_eq_nocase(field, STR("transfer-encoding"));
		ASSERT(field.n > 0 && !memchr(field.p, ' ', field.n));
	}
	ASSERT(hosts == 1 && lengths + codings <= 1);
	ASSERT(h->is_chunked == (codings == 1));
	ASSERT(!h->is_chunked || (h->is_1_1 && h->content_length == 0));
}

static size_t scan_in_pieces(struct str in, enum http_scan *scan)
{
	size_t line_at = 0, size = 0;
	*scan = HTTP_SCAN_MORE;
	for (size_t n = 1; n <= in.n && *scan == HTTP_SCAN_MORE; n++)
		*scan = http_head_scan((struct str){ in.p, n }, &line_at, &size);
	return size;
}

static enum http_scan decode(struct str in, size_t step, struct strbuf *out)
{
	struct http_chunked d = { .state = 0 };
	enum http_scan scan = HTTP_SCAN_MORE;
	size_t at = 0, given = 0;
	while (scan == HTTP_SCAN_MORE && at < in.n) {
		size_t used;
		struct str data;
		if (given < at + step)
			given = min_size(in.n, at + step);
		scan = http_chunked_next(&d, (struct str){ in.p + at, given - at }, &used, &data);
		strbuf_add(out, data);
		at += used;
	}
	return scan;
}

static void check_chunked(struct str in)
{
	struct strbuf whole, pieces;
	strbuf_init(&whole, BODY_MAX);
	strbuf_init(&pieces, BODY_MAX);
	enum http_scan a = decode(in, in.n ? in.n : 1, &whole);
	enum http_scan b = decode(in, 1, &pieces);
	ASSERT(a == b);
	ASSERT(str_eq(strbuf_str(&whole), strbuf_str(&pieces)));
	strbuf_deinit(&whole);
	strbuf_deinit(&pieces);
}

static void check_excerpt(struct str in)
{
	char *out = malloc(in.n + 1);
	ASSERT(out);
	size_t n = http_excerpt_clean(in, out);
	ASSERT(n <= in.n && str_is_utf8((struct str){ out, n }));
	ASSERT(n == 0 || !memchr(out, '\0', n));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	struct arena *a = arena_new();
	struct http_head head;
	size_t line_at = 0, head_size = 0;
	enum http_scan in_pieces, at_once = http_head_scan(in, &line_at, &head_size);
	size_t size_in_pieces = scan_in_pieces(in, &in_pieces);
	ASSERT(at_once == in_pieces && head_size == size_in_pieces);
	if (at_once == HTTP_SCAN_COMPLETE) {
		struct str block = { in.p, head_size };
		if (!http_head_parse(block, a, &head).status)
			check_head(&head, a);
		in = (struct str){ in.p + head_size, in.n - head_size };
	}
	check_chunked(in);
	check_excerpt(in);
	arena_free(a);
	return 0;
}
