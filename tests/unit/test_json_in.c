/* The strict reader: what it accepts, what it refuses and where, how it prints, what it costs. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "vectors.h"
#include "json/json_in.h"

static const struct json_limits limits = { .max_bytes = 8 << 20, .max_depth = 32 };

static struct json_doc *parse(struct str text)
{
	struct json_doc *d = NULL;
	size_t at = 0;
	struct err e = json_parse(text, limits, &d, &at);
	CHECK(!is_err(e), "%s at %zu: %.*s", e.what, at, (int)min_size(text.n, 200), text.p);
	return d;
}

static void accepted_texts_print_with_every_digit(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("json_texts.json");
	for (const struct json_value *row = vectors_first(d, "accepted"); row;
	     row = json_next(row)) {
		struct strbuf b, again;
		struct json_doc *text = parse(vectors_str(row, "text"));
		strbuf_init(&b, 4096);
		strbuf_init(&again, 4096);
		json_print(json_doc_root(text), &b);
		assert_str(strbuf_str(&b), vectors_str(row, "print").p);
		json_doc_free(text);
		text = parse(strbuf_str(&b));
		json_print(json_doc_root(text), &again);
		assert_true(str_eq(strbuf_str(&b), strbuf_str(&again)));
		json_doc_free(text);
		strbuf_deinit(&b);
		strbuf_deinit(&again);
	}
	json_doc_free(d);
}

static enum err_code code_of(struct str word)
{
	return str_eq(word, STR("denied")) ? ERR_DENIED : ERR_INVALID;
}

static void refused_texts_say_why_and_where(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("json_texts.json");
	for (const struct json_value *row = vectors_first(d, "refused"); row;
	     row = json_next(row)) {
		char bytes[512];
		struct json_doc *none = NULL;
		size_t at = SIZE_MAX;
		struct str text = { bytes, 0 };
		if (json_get(row, "hex"))
			text.n = vectors_bytes(row, "hex", bytes, sizeof(bytes));
		else
			text = vectors_str(row, "text");
		struct err e = json_parse(text, limits, &none, &at);
		CHECK(e.code == code_of(vectors_str(row, "code")) && !none, "%s (%s)",
		      vectors_str(row, "why").p, err_name(e.code));
		CHECK(e.what[0] != '\0', "%s", vectors_str(row, "why").p);
		CHECK((int64_t)at == vectors_i64(row, "at"), "%s: at %zu (%s)",
		      vectors_str(row, "why").p, at, e.what);
	}
	json_doc_free(d);
}

static void every_beginning_of_a_document_is_refused(void **state)
{
	(void)state;
	struct str whole = STR("{\"a\":[1.5e2,\"x\\ud83d\\ude00\",true,null,{}],\"\xc3\xa9\":-0}");
	json_doc_free(parse(whole));
	for (size_t n = 0; n < whole.n; n++) {
		/* an allocation of exactly n bytes, so that the sanitizer sees a read beyond */
		char *cut = xstrndup((struct str){ whole.p, n });
		char *tight = xmalloc(n);
		struct json_doc *d = NULL;
		memcpy(tight, cut, n);
		assert_err(json_parse((struct str){ tight, n }, limits, &d, NULL), ERR_INVALID);
		assert_null(d);
		free(tight);
		free(cut);
	}
}

static void limits_are_exact(void **state)
{
	(void)state;
	struct json_doc *d = NULL;
	size_t at = 0;
	struct json_limits small = { .max_bytes = 4, .max_depth = 2 };
	assert_ok(json_parse(STR("[[]]"), small, &d, &at));
	json_doc_free(d);
	assert_err(json_parse(STR("[[]] "), small, &d, &at), ERR_TOO_LARGE);
	assert_int_equal(at, 4);
	assert_err(json_parse(STR("[[]] "), small, &d, NULL), ERR_TOO_LARGE);
	small.max_bytes = 100;
	assert_err(json_parse(STR("[[[]]]"), small, &d, &at), ERR_INVALID);
	assert_int_equal(at, 2);
	small.max_depth = 0;
	assert_ok(json_parse(STR("1"), small, &d, &at));
	json_doc_free(d);
	assert_err(json_parse(STR("[]"), small, &d, &at), ERR_INVALID);
	json_doc_free(NULL);
}

/* "[0,0,...]" of n zeros */
static struct str zeros(size_t n)
{
	char *p = xmalloc(2 * n + 1);
	for (size_t i = 0; i < n; i++) {
		p[2 * i] = i == 0 ? '[' : ',';
		p[2 * i + 1] = '0';
	}
	p[2 * n] = ']';
	return (struct str){ p, 2 * n + 1 };
}

static void the_number_of_values_is_bounded(void **state)
{
	(void)state;
	struct json_doc *d = NULL;
	size_t at = 0;
	struct str text = zeros(JSON_NODES_MAX - 1);
	assert_ok(json_parse(text, limits, &d, &at));
	assert_int_equal(json_count(json_doc_root(d)), JSON_NODES_MAX - 1);
	json_doc_free(d);
	free((void *)(uintptr_t)text.p);
	text = zeros(JSON_NODES_MAX);
	assert_err(json_parse(text, limits, &d, &at), ERR_TOO_LARGE);
	free((void *)(uintptr_t)text.p);
}

static void types_and_getters_agree(void **state)
{
	(void)state;
	struct json_doc *d = parse(STR("[null,true,false,1.5,\"s\",[7],{\"k\":8}]"));
	static const enum json_type types[] = { JSON_NULL,   JSON_BOOL,  JSON_BOOL,  JSON_NUMBER,
						JSON_STRING, JSON_ARRAY, JSON_OBJECT };
	size_t i = 0;
	for (const struct json_value *v = json_first(json_doc_root(d)); v; v = json_next(v), i++) {
		int64_t n = 77;
		double x = 77;
		bool is_true = false;
		assert_int_equal(json_type(v), types[i]);
		assert_int_equal(json_as_bool(v, &is_true), types[i] == JSON_BOOL);
		assert_int_equal(is_true, i == 1);
		assert_int_equal(json_as_double(v, &x), types[i] == JSON_NUMBER);
		assert_false(json_as_i64(v, &n));
		assert_int_equal(n, 77);
		assert_str(json_as_str(v), types[i] == JSON_STRING ? "s" : NULL);
		assert_str(json_number_text(v), types[i] == JSON_NUMBER ? "1.5" : NULL);
		assert_int_equal(json_count(v), i >= 5 ? 1 : 0);
		assert_null(json_name(v).p);
		assert_null(json_get(v, "K"));
	}
	assert_int_equal(i, ARRAY_LEN(types));
	json_doc_free(d);
}

static void integers_are_exact_or_none(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
		int64_t v;
	} rows[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "-12", true, -12 },
		{ "9007199254740993", true, INT64_C(9007199254740993) },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "1.0", false, 0 },
		{ "1e2", false, 0 },
		{ "\"1\"", false, 0 },
		{ "true", false, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_doc *d = parse(str_from(rows[i].text));
		int64_t v = 0;
		CHECK(json_as_i64(json_doc_root(d), &v) == rows[i].ok, "%s", rows[i].text);
		CHECK(v == rows[i].v, "%s", rows[i].text);
		json_doc_free(d);
	}
}

static void members_are_found_by_their_exact_name(void **state)
{
	(void)state;
	struct json_doc *d = parse(STR("{\"Rate\":1,\"rate\":2,\"\":3,\"r\\u00e4te\":4}"));
	const struct json_value *root = json_doc_root(d);
	int64_t v = 0;
	assert_true(json_as_i64(json_get(root, "rate"), &v) && v == 2);
	assert_true(json_as_i64(json_get(root, "Rate"), &v) && v == 1);
	assert_true(json_as_i64(json_get(root, ""), &v) && v == 3);
	assert_true(json_as_i64(json_get(root, "r\xc3\xa4te"), &v) && v == 4);
	assert_null(json_get(root, "RATE"));
	assert_str(json_name(json_first(root)), "Rate");
	assert_int_equal(json_count(root), 4);
	json_doc_free(d);
}

static void a_part_of_a_document_prints_alone(void **state)
{
	(void)state;
	struct json_doc *d = parse(STR("{\"a\":1,\"v\":{\"x\":[1,\"\\u0007\"],\"y\":{}},\"z\":0}"));
	struct strbuf b;
	strbuf_init(&b, 100);
	json_print(json_get(json_doc_root(d), "v"), &b);
	assert_str(strbuf_str(&b), "{\"x\":[1,\"\\u0007\"],\"y\":{}}");
	strbuf_deinit(&b);
	json_doc_free(d);
}

/* Processor time, as others may have the machine. A quadratic search takes minutes where these take a
 * fraction of a second. */
static usec_t parse_time(struct str text, enum err_code expected)
{
	struct json_doc *d = NULL;
	clock_t begin = clock();
	assert_err(json_parse(text, limits, &d, NULL), expected);
	usec_t took_us = (usec_t)(clock() - begin) * USEC_PER_SEC / CLOCKS_PER_SEC;
	json_doc_free(d);
	return took_us;
}

static void duplicate_keys_are_found_among_very_many_without_trying_each_pair(void **state)
{
	(void)state;
	struct strbuf b;
	strbuf_init(&b, limits.max_bytes);
	for (int i = 0; i < 400000; i++)
		strbuf_addf(&b, "%c\"key%07d\":1", i ? ',' : '{', i);
	struct str open = strbuf_str(&b);
	size_t n = open.n;
	strbuf_add_c(&b, '}');
	assert_true(parse_time(strbuf_str(&b), ERR_OK) < 10 * USEC_PER_SEC);
	b.n = n;
	strbuf_add(&b, STR(",\"key0200000\":1}"));
	assert_false(strbuf_overflowed(&b));
	assert_true(parse_time(strbuf_str(&b), ERR_INVALID) < 10 * USEC_PER_SEC);
	strbuf_deinit(&b);
}

static void a_full_body_of_targets_parses(void **state)
{
	(void)state;
	struct strbuf b;
	strbuf_init(&b, limits.max_bytes);
	strbuf_add(&b, STR("{\"targets\":["));
	for (int i = 0; i < 10000; i++) {
		strbuf_addf(
			&b,
			"%s{\"to_number\":\"+1415%07d\",\"name\":\"Ada %d\",\"external_id\":"
			"\"crm-%d\",\"timezone\":\"America/New_York\",\"variables\":{\"note\":\"",
			i ? "," : "", i, i, i);
		for (int j = 0; j < 12; j++)
			strbuf_add(&b,
				   STR("fifty-odd bytes of a note, with an \\u00e9 and a \\n; "));
		strbuf_add(&b, STR("\"}}"));
	}
	strbuf_add(&b, STR("]}"));
	assert_false(strbuf_overflowed(&b));
	usec_t took_us = parse_time(strbuf_str(&b), ERR_OK);
	print_message("# %zu bytes of 10,000 targets in %" PRId64 " us\n", b.n, took_us);
	assert_true(took_us < 5 * USEC_PER_SEC);
	strbuf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted_texts_print_with_every_digit),
		cmocka_unit_test(refused_texts_say_why_and_where),
		cmocka_unit_test(every_beginning_of_a_document_is_refused),
		cmocka_unit_test(limits_are_exact),
		cmocka_unit_test(the_number_of_values_is_bounded),
		cmocka_unit_test(types_and_getters_agree),
		cmocka_unit_test(integers_are_exact_or_none),
		cmocka_unit_test(members_are_found_by_their_exact_name),
		cmocka_unit_test(a_part_of_a_document_prints_alone),
		cmocka_unit_test(duplicate_keys_are_found_among_very_many_without_trying_each_pair),
		cmocka_unit_test(a_full_body_of_targets_parses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
