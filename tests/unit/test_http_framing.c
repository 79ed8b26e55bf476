/* The judge of request bytes: what is refused and why, what is read out of the rest, and that it
 * does not matter in which pieces the bytes come. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "http/http_framing.h"

#define H "Host: belfry.test\r\n"
#define GET "GET / HTTP/1.1\r\n" H

static struct http_fault parse(const char *text, struct arena *a, struct http_head *out)
{
	return http_head_parse(arena_str(a, str_from(text)), a, out);
}

/* --- the header section ------------------------------------------------------------------- */

static const struct {
	const char *name, *text;
	enum http_scan result;
	size_t size;
} scans[] = {
	{ "nothing yet", "", HTTP_SCAN_MORE, 0 },
	{ "half a line", "GET / HT", HTTP_SCAN_MORE, 0 },
	{ "one line", "GET / HTTP/1.1\r\n", HTTP_SCAN_MORE, 0 },
	{ "half an end", GET "\r", HTTP_SCAN_MORE, 0 },
	{ "whole", "GET / HTTP/1.1\r\n\r\n", HTTP_SCAN_COMPLETE, 18 },
	{ "whole, and the next", "GET / HTTP/1.1\r\n\r\nGET /", HTTP_SCAN_COMPLETE, 18 },
	{ "bare LF", "GET / HTTP/1.1\n", HTTP_SCAN_BAD, 0 },
	{ "bare LF at the end", GET "\n", HTTP_SCAN_BAD, 0 },
	{ "TLS", "\x16\x03\x01", HTTP_SCAN_BAD, 0 },
	{ "a blank first", " GET / HTTP/1.1\r\n", HTTP_SCAN_BAD, 0 },
};

static void the_end_of_the_headers_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scans); i++) {
		size_t line_at = 0, size = 0;
		enum http_scan got = http_head_scan(str_from(scans[i].text), &line_at, &size);
		CHECK(got == scans[i].result, "%s: %d", scans[i].name, (int)got);
		CHECK(size == scans[i].size, "%s: %zu", scans[i].name, size);
	}
}

static void the_end_is_found_byte_by_byte(void **state)
{
	(void)state;
	const struct str text = STR("POST /v1/x HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx");
	size_t line_at = 0, size = 0;
	for (size_t n = 0; n < text.n - 1; n++)
		assert_int_equal(http_head_scan((struct str){ text.p, n }, &line_at, &size),
				 HTTP_SCAN_MORE);
	assert_int_equal(http_head_scan((struct str){ text.p, text.n - 1 }, &line_at, &size),
			 HTTP_SCAN_COMPLETE);
	assert_int_equal(size, text.n - 1);
}

static const struct {
	const char *text;
	int status;
} refused[] = {
	{ "GET\r\n" H "\r\n", 400 },
	{ "GET /\r\n" H "\r\n", 400 },
	{ "GET  / HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1.1 \r\n" H "\r\n", 400 },
	{ "GET / HTTP/1.2\r\n" H "\r\n", 400 },
	{ "GET / HTTP/2.0\r\n" H "\r\n", 400 },
	{ "GET / http/1.1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1.10\r\n" H "\r\n", 400 },
	{ "G,T / HTTP/1.1\r\n" H "\r\n", 400 },
	{ "get / HTTP/1.1\r\n" H "\r\n", 501 },
	{ "TRACE / HTTP/1.1\r\n" H "\r\n", 501 },
	{ "CONNECT belfry.test:443 HTTP/1.1\r\n" H "\r\n", 501 },
	/* names and values */
	{ GET "no colon\r\n\r\n", 400 },
	{ GET "Na me: x\r\n\r\n", 400 },
	{ GET "Name : x\r\n\r\n", 400 },
	{ GET ": x\r\n\r\n", 400 },
	{ GET " folded: x\r\n\r\n", 400 },
	{ GET "A: x\r\n y\r\n\r\n", 400 },
	{ GET "A: x\ry\r\n\r\n", 400 },
	{ GET "A: x\x7f\r\n\r\n", 400 },
	{ GET "N\xc3\xa4me: x\r\n\r\n", 400 },
	/* Host */
	{ "GET / HTTP/1.1\r\n\r\n", 400 },
	{ "GET / HTTP/1.0\r\n\r\n", 400 },
	{ GET H "\r\n", 400 },
	{ GET "host: belfry.test\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400 },
	/* the length */
	{ GET "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400 },
	{ GET "Content-Length: 3\r\ncontent-length: 3\r\n\r\n", 400 },
	{ GET "Content-Length: 3, 3\r\n\r\n", 400 },
	{ GET "Content-Length: +3\r\n\r\n", 400 },
	{ GET "Content-Length: -3\r\n\r\n", 400 },
	{ GET "Content-Length: 0x3\r\n\r\n", 400 },
	{ GET "Content-Length: 3 4\r\n\r\n", 400 },
	{ GET "Content-Length:\r\n\r\n", 400 },
	/* the coding */
	{ GET "Transfer-Encoding: gzip\r\n\r\n", 400 },
	{ GET "Transfer-Encoding: gzip, chunked\r\n\r\n", 400 },
	{ GET "Transfer-Encoding: chunked, chunked\r\n\r\n", 400 },
	{ GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ GET "Transfer-Encoding: xchunked\r\n\r\n", 400 },
	{ GET "Transfer-Encoding: \"chunked\"\r\n\r\n", 400 },
	{ GET "Transfer-Encoding:\r\n\r\n", 400 },
	{ GET "Transfer-Encoding : chunked\r\n\r\n", 400 },
	{ GET "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400 },
	{ GET "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ "GET / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 400 },
	/* the target */
	{ "GET belfry HTTP/1.1\r\n" H "\r\n", 400 },
	{ "OPTIONS * HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET http://belfry.test/ HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET // HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a//b HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a/%2fb HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /../etc HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a/%2e%2E/b HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a%00b HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a%0d%0ab HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a%7f HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a%2 HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a% HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a%zz HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a#b HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a\tb HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /%ff HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /?q=%00 HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /?q=%f HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /?q=%ff HTTP/1.1\r\n" H "\r\n", 400 },
	/* not even that */
	{ "", 400 },
	{ "\r\n", 400 },
};

static void what_can_be_read_in_two_ways_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct arena *a = arena_new();
		struct http_head head;
		struct http_fault fault = parse(refused[i].text, a, &head);
		CHECK(fault.status == refused[i].status, "%d for %s", fault.status,
		      refused[i].text);
		CHECK(fault.code && fault.detail, "%s", refused[i].text);
		arena_free(a);
	}
}

static void a_nul_in_a_value_is_refused(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	struct http_head head;
	assert_int_equal(http_head_parse(STR(GET "A: x\0y\r\n\r\n"), a, &head).status, 400);
	assert_int_equal(http_head_parse(STR("GET /\0 HTTP/1.1\r\n" H "\r\n"), a, &head).status,
			 400);
	assert_int_equal(
		http_head_parse(STR("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"), a, &head).status, 400);
	arena_free(a);
}

static void too_many_lines_are_refused(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	struct strbuf b;
	struct http_head head;
	strbuf_init(&b, 65536);
	strbuf_add(&b, STR(GET));
	for (int i = 1; i < HTTP_MAX_FIELDS; i++)
		strbuf_add(&b, STR("A: x\r\n"));
	size_t n = b.n;
	strbuf_add(&b, STR("\r\n"));
	assert_int_equal(http_head_parse(strbuf_str(&b), a, &head).status, 0);
	assert_int_equal(head.n_fields, HTTP_MAX_FIELDS);
	b.n = n;
	strbuf_add(&b, STR("A: x\r\n\r\n"));
	struct http_fault fault = http_head_parse(strbuf_str(&b), a, &head);
	assert_int_equal(fault.status, 431);
	assert_string_equal(fault.code, "headers_too_large");
	strbuf_deinit(&b);
	arena_free(a);
}

static void a_head_is_read(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	struct http_head h;
	struct http_fault fault = parse("PATCH /v1/a%20b/%C3%A9?q=1&r HTTP/1.1\r\n"
					"hOST: belfry.test:8080\r\n"
					"Empty:\r\n"
					"X-One: \t a  b \t\r\n"
					"x-one: second\r\n"
					"X-Obs: \xff\xfe\r\n"
					"Content-Length: 0042\r\n"
					"Expect: 100-Continue\r\n"
					"\r\n",
					a, &h);
	assert_int_equal(fault.status, 0);
	assert_int_equal(h.method, HTTP_PATCH);
	assert_str(h.uri, "/v1/a%20b/%C3%A9?q=1&r");
	assert_str(h.path, "/v1/a b/\xc3\xa9");
	assert_str(h.query, "q=1&r");
	assert_int_equal(h.n_fields, 7);
	assert_str(http_head_field(&h, STR("host")), "belfry.test:8080");
	assert_str(http_head_field(&h, STR("EMPTY")), "");
	assert_str(http_head_field(&h, STR("X-ONE")), "a  b");
	assert_str(http_head_field(&h, STR("x-none")), NULL);
	assert_int_equal(h.content_length, 42);
	assert_true(h.is_1_1 && h.wants_keep_alive && h.expects_continue);
	assert_false(h.is_chunked);
	arena_free(a);
}

static void every_method_is_known(void **state)
{
	static const char *const names[] = { "GET",   "HEAD",   "POST",   "PUT",
					     "PATCH", "DELETE", "OPTIONS" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct arena *a = arena_new();
		struct http_head h;
		char text[128];
		snprintf(text, sizeof(text), "%s / HTTP/1.1\r\n" H "\r\n", names[i]);
		assert_int_equal(parse(text, a, &h).status, 0);
		assert_int_equal(h.method, i);
		arena_free(a);
	}
}

static const struct {
	const char *text;
	bool keeps_alive;
} persistences[] = {
	{ "GET / HTTP/1.1\r\n" H "\r\n", true },
	{ "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", false },
	{ "GET / HTTP/1.1\r\n" H "Connection: TE, Close\r\n\r\n", false },
	{ "GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\nConnection: close\r\n\r\n", false },
	{ "GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", true },
	{ "GET / HTTP/1.0\r\n" H "\r\n", false },
	{ "GET / HTTP/1.0\r\n" H "Connection: Keep-Alive\r\n\r\n", true },
	{ "GET / HTTP/1.0\r\n" H "Connection: keep-alive, close\r\n\r\n", false },
};

static void the_connection_lives_on_when_both_want_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(persistences); i++) {
		struct arena *a = arena_new();
		struct http_head h;
		assert_int_equal(parse(persistences[i].text, a, &h).status, 0);
		CHECK(h.wants_keep_alive == persistences[i].keeps_alive, "%s",
		      persistences[i].text);
		arena_free(a);
	}
}

static void expectations_are_for_1_1(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	struct http_head h;
	assert_int_equal(
		parse("POST / HTTP/1.0\r\n" H "Expect: 100-continue\r\n\r\n", a, &h).status, 0);
	assert_false(h.expects_continue);
	assert_int_equal(parse(GET "Expect: something\r\n\r\n", a, &h).status, 0);
	assert_false(h.expects_continue);
	arena_free(a);
}

static void a_length_beyond_64_bits_is_the_largest(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	struct http_head h;
	assert_int_equal(parse(GET "Content-Length: 99999999999999999999999\r\n\r\n", a, &h).status,
			 0);
	assert_true(h.content_length == UINT64_MAX);
	arena_free(a);
}

static void a_query_is_decoded_in_order(void **state)
{
	static const char *const want[][2] = { { "q", "a b+c" },   { "empty", "" },
					       { "flag", "" },     { "q", "second" },
					       { "", "nameless" }, { "x", "1=2" },
					       { "\xc3\xa9", "&" } };
	(void)state;
	struct arena *a = arena_new();
	struct str path, query, name, value;
	struct str uri = STR("/v1/x?q=a+b%2Bc&&empty=&flag&q=second&=nameless&x=1=2&%c3%a9=%26&");
	assert_int_equal(http_uri_parse(uri, a, &path, &query).status, 0);
	assert_str(path, "/v1/x");
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_true(http_query_next(&query, a, &name, &value));
		assert_str(name, want[i][0]);
		assert_str(value, want[i][1]);
	}
	assert_false(http_query_next(&query, a, &name, &value));
	arena_free(a);
}

static void a_target_needs_no_query(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	struct str path, query, name, value;
	assert_int_equal(http_uri_parse(STR("/"), a, &path, &query).status, 0);
	assert_str(path, "/");
	assert_false(http_query_next(&query, a, &name, &value));
	assert_int_equal(http_uri_parse(STR("/x?"), a, &path, &query).status, 0);
	assert_false(http_query_next(&query, a, &name, &value));
	assert_int_equal(http_uri_parse(STR("/a.b/.c"), a, &path, &query).status, 0);
	assert_int_equal(http_uri_parse(STR("/?next=//x/../y"), a, &path, &query).status, 0);
	assert_int_equal(http_uri_parse(STR(""), a, &path, &query).status, 400);
	arena_free(a);
}

/* --- chunked ------------------------------------------------------------------------------ */

/* Decodes in pieces of `step` bytes. */
static enum http_scan decode(struct str in, size_t step, struct strbuf *out, size_t *used)
{
	struct http_chunked d = { .state = 0 };
	enum http_scan scan = HTTP_SCAN_MORE;
	size_t given = 0;
	*used = 0;
	while (scan == HTTP_SCAN_MORE && *used < in.n) {
		size_t n;
		struct str data;
		given = min_size(in.n, given < *used + step ? *used + step : given);
		scan = http_chunked_next(&d, (struct str){ in.p + *used, given - *used }, &n,
					 &data);
		strbuf_add(out, data);
		*used += n;
	}
	return scan;
}

static const struct {
	const char *text;
	enum http_scan result;
	const char *body;
	size_t rest; /* bytes that are not the body's */
} chunked[] = {
	{ "0\r\n\r\n", HTTP_SCAN_COMPLETE, "", 0 },
	{ "5\r\nhello\r\n0\r\n\r\n", HTTP_SCAN_COMPLETE, "hello", 0 },
	{ "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", HTTP_SCAN_COMPLETE, "hello world", 0 },
	{ "005\r\nhello\r\n000\r\n\r\n", HTTP_SCAN_COMPLETE, "hello", 0 },
	{ "A\r\n0123456789\r\n0\r\n\r\n", HTTP_SCAN_COMPLETE, "0123456789", 0 },
	{ "a;x=y;z=\"q\"\r\n0123456789\r\n0;last\r\n\r\n", HTTP_SCAN_COMPLETE, "0123456789", 0 },
	{ "1 ;x\r\na\r\n0\r\n\r\n", HTTP_SCAN_COMPLETE, "a", 0 },
	{ "1\r\na\r\n0\r\nTrailer: x\r\nB: y\r\n\r\n", HTTP_SCAN_COMPLETE, "a", 0 },
	{ "1\r\na\r\n0\r\n\r\nGET /", HTTP_SCAN_COMPLETE, "a", 5 },
	{ "2\r\n\r\n\r\n0\r\n\r\n", HTTP_SCAN_COMPLETE, "\r\n", 0 },
	{ "5\r\nhel", HTTP_SCAN_MORE, "hel", 0 },
	{ "5\r\nhello\r\n", HTTP_SCAN_MORE, "hello", 0 },
	{ "5\r\nhello\r\n0\r\n", HTTP_SCAN_MORE, "hello", 0 },
	{ "\r\n", HTTP_SCAN_BAD, "", 0 },
	{ ";x\r\n", HTTP_SCAN_BAD, "", 0 },
	{ " 5\r\nhello\r\n", HTTP_SCAN_BAD, "", 0 },
	{ "5\nhello\r\n", HTTP_SCAN_BAD, "", 0 },
	{ "5\rhello\r\n", HTTP_SCAN_BAD, "", 0 },
	{ "0x5\r\nhello\r\n", HTTP_SCAN_BAD, "", 0 },
	{ "-5\r\nhello\r\n", HTTP_SCAN_BAD, "", 0 },
	{ "5x\r\nhello\r\n", HTTP_SCAN_BAD, "", 0 },
	{ "5;a\nb\r\nhello\r\n", HTTP_SCAN_BAD, "", 0 },
	{ "5;a\x01\r\nhello\r\n", HTTP_SCAN_BAD, "", 0 },
	{ "5\r\nhelloX\r\n", HTTP_SCAN_BAD, "hello", 0 },
	{ "5\r\nhello\rX", HTTP_SCAN_BAD, "hello", 0 },
	{ "5\r\nhello\n", HTTP_SCAN_BAD, "hello", 0 },
	{ "0\r\nA: b\n\r\n", HTTP_SCAN_BAD, "", 0 },
	{ "0\r\nA: b\rX", HTTP_SCAN_BAD, "", 0 },
	{ "0\r\n\rX", HTTP_SCAN_BAD, "", 0 },
	{ "0\r\n\nX", HTTP_SCAN_BAD, "", 0 },
	{ "1000000000000\r\n", HTTP_SCAN_BAD, "", 0 },
	{ "ffffffffffffffffffff\r\n", HTTP_SCAN_BAD, "", 0 },
};

static void chunks_are_joined_in_any_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chunked); i++) {
		struct str in = str_from(chunked[i].text);
		for (size_t step = 1; step <= in.n; step++) {
			struct strbuf body;
			size_t used;
			strbuf_init(&body, 1024);
			enum http_scan scan = decode(in, step, &body, &used);
			CHECK(scan == chunked[i].result, "%d for %s by %zu", (int)scan,
			      chunked[i].text, step);
			CHECK(str_eq(strbuf_str(&body), str_from(chunked[i].body)), "%s by %zu",
			      chunked[i].text, step);
			CHECK(scan == HTTP_SCAN_BAD || in.n - used == chunked[i].rest, "%s by %zu",
			      chunked[i].text, step);
			strbuf_deinit(&body);
		}
	}
}

static void extensions_and_trailers_have_an_end(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct strbuf in, body;
		size_t used;
		strbuf_init(&in, 65536);
		strbuf_init(&body, 1024);
		strbuf_add(&in, kind ? STR("0\r\n") : STR("1;"));
		for (int i = 0; i < 1000; i++)
			strbuf_add(&in, kind ? STR("Name: value\r\n") : STR("extension="));
		assert_int_equal(decode(strbuf_str(&in), 100, &body, &used), HTTP_SCAN_BAD);
		strbuf_deinit(&in);
		strbuf_deinit(&body);
	}
}

static void after_the_end_nothing_is_eaten(void **state)
{
	(void)state;
	struct http_chunked d = { .state = 0 };
	struct str data;
	size_t used;
	assert_int_equal(http_chunked_next(&d, STR("0\r\n\r\nmore"), &used, &data),
			 HTTP_SCAN_COMPLETE);
	assert_int_equal(used, 5);
	assert_int_equal(http_chunked_next(&d, STR("more"), &used, &data), HTTP_SCAN_COMPLETE);
	assert_int_equal(used, 0);
	d = (struct http_chunked){ .state = 0 };
	assert_int_equal(http_chunked_next(&d, STR("x"), &used, &data), HTTP_SCAN_BAD);
	assert_int_equal(http_chunked_next(&d, STR("0\r\n\r\n"), &used, &data), HTTP_SCAN_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_of_the_headers_is_found),
		cmocka_unit_test(the_end_is_found_byte_by_byte),
		cmocka_unit_test(what_can_be_read_in_two_ways_is_refused),
		cmocka_unit_test(a_nul_in_a_value_is_refused),
		cmocka_unit_test(too_many_lines_are_refused),
		cmocka_unit_test(a_head_is_read),
		cmocka_unit_test(every_method_is_known),
		cmocka_unit_test(the_connection_lives_on_when_both_want_it),
		cmocka_unit_test(expectations_are_for_1_1),
		cmocka_unit_test(a_length_beyond_64_bits_is_the_largest),
		cmocka_unit_test(a_query_is_decoded_in_order),
		cmocka_unit_test(a_target_needs_no_query),
		cmocka_unit_test(chunks_are_joined_in_any_pieces),
		cmocka_unit_test(extensions_and_trailers_have_an_end),
		cmocka_unit_test(after_the_end_nothing_is_eaten),
	};

	return cmocka_run_group_tests_name("http_framing", tests, NULL, NULL);
}
