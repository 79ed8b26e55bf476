/* Cursors: what was put in comes out, and only under the same filters. */
#include "check.h"

#include <string.h>

#include "domain/cursor.h"

static uint64_t filters_of(struct str a, struct str b)
{
	return cursor_filters_add(cursor_filters_add(cursor_filters(), a), b);
}

static void a_key_comes_back_under_the_same_filters(void **state)
{
	struct uuid key, out = UUID_NIL;
	char text[CURSOR_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(key.b); i++)
		key.b[i] = (uint8_t)(i * 17 + 3);
	uint64_t f = filters_of(STR("active"), STR_NONE);
	assert_ptr_equal(cursor_encode(f, key, text), text);
	assert_int_equal(strlen(text), CURSOR_TEXT_SIZE - 1);
	assert_ok(cursor_decode(str_from(text), f, &out));
	assert_true(uuid_eq(out, key));
}

static void other_filters_are_noticed(void **state)
{
	const struct {
		uint64_t made, asked;
	} rows[] = {
		{ filters_of(STR("active"), STR_NONE), filters_of(STR("paused"), STR_NONE) },
		{ filters_of(STR("active"), STR_NONE), filters_of(STR_NONE, STR("active")) },
		{ filters_of(STR_NONE, STR_NONE), filters_of(STR(""), STR_NONE) },
		{ filters_of(STR("ab"), STR("c")), filters_of(STR("a"), STR("bc")) },
		{ cursor_filters(), cursor_filters_add(cursor_filters(), STR_NONE) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[CURSOR_TEXT_SIZE];
		struct uuid out = UUID_NIL;
		struct str s = str_from(cursor_encode(rows[i].made, UUID_NIL, text));
		CHECK(cursor_decode(s, rows[i].asked, &out).code == ERR_CONFLICT, "row %zu", i);
	}
}

static void what_is_no_cursor_is_refused(void **state)
{
	char good[CURSOR_TEXT_SIZE], bad[CURSOR_TEXT_SIZE];
	struct uuid out = UUID_NIL;

	(void)state;
	(void)cursor_encode(7, UUID_NIL, good); /* returns good */
	assert_err(cursor_decode(STR(""), 7, &out), ERR_INVALID);
	assert_err(cursor_decode(STR_NONE, 7, &out), ERR_INVALID);
	assert_err(cursor_decode((struct str){ good, CURSOR_TEXT_SIZE - 2 }, 7, &out), ERR_INVALID);
	for (size_t i = 0; i < CURSOR_TEXT_SIZE - 1; i++) {
		memcpy(bad, good, sizeof(bad));
		bad[i] = 'G';
		CHECK(cursor_decode(str_from(bad), 7, &out).code == ERR_INVALID, "byte %zu", i);
	}
}

static void numbers_travel_as_keys_in_their_order(void **state)
{
	static const int64_t values[] = { 0, 1, 255, 256, 4294967296, INT64_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct uuid key = cursor_key_from_i64(values[i]);
		assert_int_equal(cursor_key_to_i64(key), values[i]);
		if (i > 0)
			assert_true(uuid_cmp(cursor_key_from_i64(values[i - 1]), key) < 0);
	}
	struct uuid greatest;
	memset(greatest.b, 0xff, sizeof(greatest.b));
	assert_int_equal(cursor_key_to_i64(greatest), INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_comes_back_under_the_same_filters),
		cmocka_unit_test(other_filters_are_noticed),
		cmocka_unit_test(what_is_no_cursor_is_refused),
		cmocka_unit_test(numbers_travel_as_keys_in_their_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
