/* UUIDv7 and its texts. */
#include "check.h"

#include <string.h>

#include "base/uuid.h"
#include "vectors.h"

static bool kind_of(struct str prefix, enum id_kind *out)
{
	for (int k = 0; k < ID_KIND_COUNT; k++) {
		if (str_eq(prefix, str_from(id_prefix((enum id_kind)k)))) {
			*out = (enum id_kind)k;
			return true;
		}
	}
	return false;
}

static void ids_read_and_print_as_the_vectors(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("typeids.json");
	uint32_t kinds = 0;
	for (const struct json_value *row = vectors_first(d, "valid"); row; row = json_next(row)) {
		enum id_kind kind = ID_KIND_COUNT;
		struct uuid from_id, from_uuid;
		char id[ID_TEXT_SIZE], text[UUID_TEXT_SIZE];
		struct str expected = vectors_str(row, "id");
		CHECK(kind_of(vectors_str(row, "prefix"), &kind), "%s", expected.p);
		kinds |= UINT32_C(1) << kind;
		CHECK(!is_err(id_parse(kind, expected, &from_id)), "%s", expected.p);
		CHECK(!is_err(uuid_parse(vectors_str(row, "uuid"), &from_uuid)), "%s", expected.p);
		CHECK(uuid_eq(from_id, from_uuid), "%s", expected.p);
		assert_str(expected, id_format(kind, from_id, id));
		assert_str(vectors_str(row, "uuid"), uuid_format(from_id, text));
	}
	assert_int_equal(kinds, (UINT32_C(1) << ID_KIND_COUNT) - 1);
	json_doc_free(d);
}

static void other_texts_are_no_ids(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("typeids.json");
	for (const struct json_value *row = vectors_first(d, "invalid"); row;
	     row = json_next(row)) {
		enum id_kind kind = ID_KIND_COUNT;
		struct uuid id = { { 7 } };
		assert_true(kind_of(vectors_str(row, "prefix"), &kind));
		struct err e = id_parse(kind, vectors_str(row, "id"), &id);
		CHECK(e.code == ERR_INVALID && id.b[0] == 7, "%s: %s", vectors_str(row, "id").p,
		      vectors_str(row, "why").p);
	}
	json_doc_free(d);
}

static void uuids_of_another_form_are_refused(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"",
		"01890a5dac96774bbcceb302099a8057",
		"01890a5d-ac96-774b-bcce-b302099a805",
		"01890a5d-ac96-774b-bcce-b302099a80577",
		"01890a5d_ac96-774b-bcce-b302099a8057",
		"01890a5d-ac96-774bb-cce-b302099a8057",
		"01890a5g-ac96-774b-bcce-b302099a8057",
		"0189 a5d-ac96-774b-bcce-b302099a8057",
		"{1890a5d-ac96-774b-bcce-b302099a805}",
	};
	struct uuid id = { { 7 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK(is_err(uuid_parse(str_from(rows[i]), &id)) && id.b[0] == 7, "%s", rows[i]);
	}
	struct uuid lower, upper;
	assert_ok(uuid_parse(STR("01890a5d-ac96-774b-bcce-b302099a8057"), &lower));
	assert_ok(uuid_parse(STR("01890A5D-AC96-774B-BCCE-B302099A8057"), &upper));
	assert_true(uuid_eq(lower, upper));
}

static void version_7_carries_its_millisecond_and_the_random_bits(void **state)
{
	(void)state;
	static const uint8_t zeros[10] = { 0 };
	static const uint8_t ones[10] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
	char text[UUID_TEXT_SIZE];
	/* the example of RFC 9562, A.6: 2022-02-22T19:22:22.000Z */
	static const uint8_t rfc[10] = {
		0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f
	};
	usec_t at = INT64_C(1645557742000) * 1000;
	assert_string_equal(uuid_format(uuid_v7(at + 999, rfc), text),
			    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
	assert_int_equal(uuid_v7_at(uuid_v7(at + 999, rfc)), at);
	assert_string_equal(uuid_format(uuid_v7(0, zeros), text),
			    "00000000-0000-7000-8000-000000000000");
	assert_string_equal(uuid_format(uuid_v7(0, ones), text),
			    "00000000-0000-7fff-bfff-ffffffffffff");
	assert_string_equal(uuid_format(uuid_v7(-5, zeros), text),
			    "00000000-0000-7000-8000-000000000000");
}

static void ids_sort_by_time(void **state)
{
	(void)state;
	static const uint8_t low[10] = { 0 }, high[10] = { 255, 255, 255 };
	struct uuid a = uuid_v7(1000, high), b = uuid_v7(2000, low);
	char x[ID_TEXT_SIZE], y[ID_TEXT_SIZE];
	assert_true(uuid_cmp(a, b) < 0);
	assert_true(uuid_cmp(b, a) > 0);
	assert_int_equal(uuid_cmp(a, a), 0);
	assert_true(strcmp(id_format(ID_CALL, a, x), id_format(ID_CALL, b, y)) < 0);
	assert_true(uuid_is_nil(UUID_NIL));
	assert_false(uuid_is_nil(a));
}

static void hashes_of_neighbours_spread(void **state)
{
	(void)state;
	/* ids of one millisecond that differ in the last bytes only, in 4,096 buckets */
	static unsigned buckets[4096];
	unsigned worst = 0;
	uint8_t random[10] = { 0 };
	for (unsigned i = 0; i < 4096 * 4; i++) {
		random[8] = (uint8_t)(i >> 8);
		random[9] = (uint8_t)i;
		unsigned *b = &buckets[uuid_hash(uuid_v7(1000000, random)) & 4095];
		worst = ++*b > worst ? *b : worst;
	}
	assert_in_range(worst, 4, 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_read_and_print_as_the_vectors),
		cmocka_unit_test(other_texts_are_no_ids),
		cmocka_unit_test(uuids_of_another_form_are_refused),
		cmocka_unit_test(version_7_carries_its_millisecond_and_the_random_bits),
		cmocka_unit_test(ids_sort_by_time),
		cmocka_unit_test(hashes_of_neighbours_spread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
