/* Zones from bytes: files that are built here, byte for byte, and what is wrong with others. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/timefmt.h"
#include "domain/zone.h"

/* --- a writer of TZif files ----------------------------------------------------------------- */

struct tzif_change {
	int64_t at_s;
	uint8_t type;
};

struct tzif_spec {
	char version;
	const int32_t *offsets;
	size_t types;
	const struct tzif_change *changes;
	size_t n;
	const char *footer; /* NULL: none at all */
	bool has_flags;     /* both kinds of flags, as older compilers write them */
	bool is_fat;        /* the 32-bit block repeats what fits */
};

static void add_be(struct strbuf *b, int64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		strbuf_add_c(b, (char)((uint64_t)v >> (8 * i) & 0xff));
}

static void add_block(struct strbuf *b, const struct tzif_spec *s, int time_size, bool is_empty)
{
	size_t n = is_empty ? 0 : s->n, types = is_empty ? 1 : s->types;
	size_t flags = s->has_flags && !is_empty ? types : 0;

	strbuf_add(b, STR("TZif"));
	strbuf_add_c(b, s->version);
	for (int i = 0; i < 15; i++)
		strbuf_add_c(b, '\0');
	add_be(b, (int64_t)flags, 4);
	add_be(b, (int64_t)flags, 4);
	add_be(b, 0, 4);
	add_be(b, (int64_t)n, 4);
	add_be(b, (int64_t)types, 4);
	add_be(b, 4, 4);
	for (size_t i = 0; i < n; i++)
		add_be(b, s->changes[i].at_s, time_size);
	for (size_t i = 0; i < n; i++)
		strbuf_add_c(b, (char)s->changes[i].type);
	for (size_t i = 0; i < types; i++) {
		add_be(b, is_empty ? 0 : s->offsets[i], 4);
		strbuf_add(b, STR("\0\0"));
	}
	strbuf_add(b, STR("XYZ\0"));
	for (size_t i = 0; i < 2 * flags; i++)
		strbuf_add_c(b, '\0');
}

static void build(struct strbuf *b, const struct tzif_spec *s)
{
	strbuf_init(b, 1 << 20);
	add_block(b, s, 4, s->version != '\0' && !s->is_fat);
	if (s->version != '\0')
		add_block(b, s, 8, false);
	if (s->footer != NULL)
		strbuf_addf(b, "\n%s\n", s->footer);
	assert_false(strbuf_overflowed(b));
}

static struct zone *read_spec(const struct tzif_spec *s)
{
	struct strbuf b;
	struct zone *z = NULL;
	build(&b, s);
	assert_ok(zone_read(strbuf_str(&b), &z));
	strbuf_deinit(&b);
	return z;
}

static int64_t at(const char *instant)
{
	usec_t us = 0;
	CHECK(!is_err(timefmt_parse(str_from(instant), &us)), "%s", instant);
	return us / USEC_PER_SEC;
}

static void assert_segment(const struct zone *z, int64_t asked_s, struct zone_segment expected)
{
	struct zone_segment s;
	zone_segment_at(z, asked_s, &s);
	CHECK(s.start_s == expected.start_s && s.end_s == expected.end_s &&
		      s.offset_s == expected.offset_s && s.before_s == expected.before_s,
	      "at %" PRId64 ": [%" PRId64 ", %" PRId64 ") %d after %d", asked_s, s.start_s, s.end_s,
	      s.offset_s, s.before_s);
}

/* --- what is in a file ---------------------------------------------------------------------- */

static const int32_t two[] = { 3600, 7200, 3600 };
static const struct tzif_change some[] = { { 1000, 1 }, { 2000, 0 }, { 3000, 2 }, { 4000, 1 } };

static void each_version_reads(void **state)
{
	static const char versions[] = { '\0', '2', '3', '4' };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		for (int k = 0; k < 4; k++) {
			struct tzif_spec s = {
				.version = versions[i],
				.offsets = two,
				.types = 3,
				.changes = some,
				.n = 4,
				.footer = versions[i] == '\0' ? NULL : "",
				.has_flags = k % 2 == 1,
				.is_fat = k / 2 == 1,
			};
			struct zone *z = read_spec(&s);
			struct zone_segment first = { ZONE_FIRST_S, 1000, 3600, 3600 };
			struct zone_segment last = { 4000, ZONE_LAST_S, 7200, 3600 };
			assert_segment(z, -5, first);
			assert_segment(z, 999, first);
			assert_segment(z, 1000, (struct zone_segment){ 1000, 2000, 7200, 3600 });
			/* the change at 3000 changes nothing */
			assert_segment(z, 2000, (struct zone_segment){ 2000, 4000, 3600, 7200 });
			assert_segment(z, 3500, (struct zone_segment){ 2000, 4000, 3600, 7200 });
			assert_segment(z, 4000, last);
			assert_segment(z, ZONE_LAST_S, last);
			assert_int_equal(zone_offset_s(z, 1000 * USEC_PER_SEC - 1), 3600);
			assert_int_equal(zone_offset_s(z, 1000 * USEC_PER_SEC), 7200);
			assert_int_equal(zone_offset_s(z, -1), 3600);
			zone_free(z);
		}
	}
}

static void a_footer_holds_from_the_last_transition_on(void **state)
{
	const int32_t offsets[] = { -3208, 3600, 7200 };
	const struct tzif_change changes[] = { { at("1970-03-01T00:00:00Z"), 1 },
					       { at("1996-10-27T01:00:00Z"), 1 } };
	struct tzif_spec s = {
		.version = '2',
		.offsets = offsets,
		.types = 3,
		.changes = changes,
		.n = 2,
		.footer = "CET-1CEST,M3.5.0,M10.5.0/3",
	};
	struct zone *z = read_spec(&s);
	struct zone_segment g;

	(void)state;
	assert_segment(z, 0, (struct zone_segment){ ZONE_FIRST_S, changes[0].at_s, -3208, -3208 });
	/* no summer time before the rule begins, although the rule knows one */
	zone_segment_at(z, at("1980-07-01T00:00:00Z"), &g);
	assert_int_equal(g.offset_s, 3600);
	static const char *const springs[] = { "1997-03-30T01:00:00Z", "2026-03-29T01:00:00Z",
					       "2099-03-29T01:00:00Z", "2100-03-28T01:00:00Z",
					       "2999-03-31T01:00:00Z", "9999-03-28T01:00:00Z" };
	for (size_t i = 0; i < ARRAY_LEN(springs); i++) {
		zone_segment_at(z, at(springs[i]) - 1, &g);
		CHECK(g.end_s == at(springs[i]) && g.offset_s == 3600, "%s", springs[i]);
		zone_segment_at(z, at(springs[i]), &g);
		CHECK(g.start_s == at(springs[i]) && g.offset_s == 7200 && g.before_s == 3600, "%s",
		      springs[i]);
	}
	zone_free(z);
}

static void a_footer_alone_is_for_all_time(void **state)
{
	const int32_t offsets[] = { 0 };
	struct tzif_spec s = { .version = '2', .offsets = offsets, .types = 1 };
	struct zone *z;

	(void)state;
	s.footer = "<-02>2";
	z = read_spec(&s);
	assert_segment(z, 0, (struct zone_segment){ ZONE_FIRST_S, ZONE_LAST_S, -7200, -7200 });
	zone_free(z);
	s.footer = "CET-1CEST,M3.5.0,M10.5.0/3";
	z = read_spec(&s);
	assert_segment(z, at("1975-07-01T00:00:00Z"),
		       (struct zone_segment){ at("1975-03-30T01:00:00Z"),
					      at("1975-10-26T01:00:00Z"), 7200, 3600 });
	zone_free(z);
	s.footer = "";
	z = read_spec(&s);
	assert_segment(z, 0, (struct zone_segment){ ZONE_FIRST_S, ZONE_LAST_S, 0, 0 });
	zone_free(z);
}

static void the_footer_has_the_last_word(void **state)
{
	/* a file whose last transition and footer disagree: the footer's offset from there on */
	const int32_t offsets[] = { 0, 3600 };
	const struct tzif_change changes[] = { { 1000, 1 } };
	struct tzif_spec s = {
		.version = '3',
		.offsets = offsets,
		.types = 2,
		.changes = changes,
		.n = 1,
		.footer = "AAA-2",
	};
	struct zone *z = read_spec(&s);

	(void)state;
	assert_segment(z, 1000, (struct zone_segment){ 1000, ZONE_LAST_S, 7200, 0 });
	zone_free(z);
	s.footer = "AAA0";
	z = read_spec(&s);
	assert_segment(z, 1000, (struct zone_segment){ ZONE_FIRST_S, ZONE_LAST_S, 0, 0 });
	zone_free(z);
	/* a rule that begins beyond the years that are written out */
	const struct tzif_change late[] = { { at("2150-01-01T00:00:00Z"), 0 } };
	s.changes = late;
	s.footer = "AAA0BBB,M3.1.0,M10.1.0";
	z = read_spec(&s);
	assert_segment(z, at("2150-02-01T00:00:00Z"),
		       (struct zone_segment){ late[0].at_s, at("2150-03-01T02:00:00Z"), 0, 0 });
	assert_segment(z, at("2150-04-01T00:00:00Z"),
		       (struct zone_segment){ at("2150-03-01T02:00:00Z"),
					      at("2150-10-04T01:00:00Z"), 3600, 0 });
	zone_free(z);
}

static void transitions_beyond_all_time_are_bounds(void **state)
{
	const int32_t offsets[] = { 0, 3600, 7200 };
	/* the "Big Bang" that older compilers wrote, and its like at the other end */
	const struct tzif_change changes[] = { { -(INT64_C(1) << 59), 1 },
					       { 1000, 2 },
					       { INT64_C(1) << 59, 0 } };
	struct tzif_spec s = {
		.version = '2', .offsets = offsets, .types = 3, .changes = changes, .n = 3
	};
	struct zone *z;

	(void)state;
	s.footer = "AAA-5";
	z = read_spec(&s);
	assert_segment(z, 0, (struct zone_segment){ ZONE_FIRST_S, 1000, 3600, 3600 });
	assert_segment(z, 1000, (struct zone_segment){ 1000, ZONE_LAST_S, 7200, 3600 });
	zone_free(z);
	s.n = 1;
	s.footer = "AAA-5BBB,M3.5.0,M10.5.0";
	z = read_spec(&s);
	assert_int_equal(zone_offset_s(z, at("2026-01-01T00:00:00Z") * USEC_PER_SEC), 18000);
	assert_int_equal(zone_offset_s(z, at("2026-07-01T00:00:00Z") * USEC_PER_SEC), 21600);
	assert_int_equal(zone_offset_s(z, INT64_MIN), zone_offset_s(z, INT64_MIN));
	assert_int_equal(zone_offset_s(z, INT64_MAX), zone_offset_s(z, INT64_MAX));
	zone_free(z);
	s.footer = "";
	z = read_spec(&s);
	assert_segment(z, 0, (struct zone_segment){ ZONE_FIRST_S, ZONE_LAST_S, 3600, 3600 });
	zone_free(z);
}

static void a_file_of_the_greatest_size_reads(void **state)
{
	enum { MANY = 7200 };
	const int32_t offsets[] = { 0, 3600 };
	struct tzif_change *changes = calloc(MANY, sizeof(*changes));
	struct tzif_spec s = { .version = '2', .offsets = offsets, .types = 2, .n = MANY };

	(void)state;
	assert_non_null(changes);
	for (int i = 0; i < MANY; i++)
		changes[i] = (struct tzif_change){ i * INT64_C(86400), (uint8_t)(i % 2) };
	s.changes = changes;
	s.footer = "AAA-1BBB,M3.5.0,M10.5.0";
	struct zone *z = read_spec(&s);
	assert_segment(z, 86400 * 101 + 5,
		       (struct zone_segment){ 86400 * 101, 86400 * 102, 3600, 0 });
	zone_free(z);
	free(changes);
}

/* --- what is wrong with a file -------------------------------------------------------------- */

static const struct tzif_spec good = {
	.version = '2',
	.offsets = two,
	.types = 3,
	.changes = some,
	.n = 4,
	.footer = "CET-1CEST,M3.5.0,M10.5.0/3",
	.has_flags = true,
};

/* Where the 64-bit header begins in `good`: after a block of one type and four letters. */
#define SECOND ((size_t)44 + 6 + 4)

static void assert_refused(struct str bytes, const char *why, size_t where)
{
	struct zone *z = NULL;
	/* memory of exactly that size, so that a read past it is seen */
	char *copy = malloc(bytes.n + 1);
	assert_non_null(copy);
	memcpy(copy, bytes.p, bytes.n);
	char *exact = realloc(copy, bytes.n > 0 ? bytes.n : 1);
	assert_non_null(exact);
	struct err e = zone_read((struct str){ exact, bytes.n }, &z);
	CHECK(is_err(e) && z == NULL, "%s, %zu", why, where);
	free(exact);
}

static void a_file_cut_short_is_refused_wherever(void **state)
{
	struct strbuf b;

	(void)state;
	build(&b, &good);
	for (size_t n = 0; n < b.n; n++)
		assert_refused((struct str){ b.p, n }, "cut", n);
	struct zone *z = NULL;
	assert_ok(zone_read(strbuf_str(&b), &z));
	zone_free(z);
	strbuf_deinit(&b);
}

static void faults_are_refused(void **state)
{
	static const struct {
		size_t at;
		int64_t value;
		int bytes;
		const char *why;
	} rows[] = {
		{ 0, 'x', 1, "magic" },
		{ 4, '5', 1, "version" },
		{ 4, 1, 1, "version" },
		{ 32, 0xffffffff, 4, "transitions of the first block" },
		{ 36, 0xffffffff, 4, "types of the first block" },
		{ 28, 0x7fffffff, 4, "leap seconds of the first block" },
		{ SECOND, 'x', 1, "second magic" },
		{ SECOND + 4, 0, 1, "second version" },
		{ SECOND + 20, 2, 4, "UTC flags" },
		{ SECOND + 24, 1, 4, "standard flags" },
		{ SECOND + 28, 1, 4, "leap seconds" },
		{ SECOND + 32, 0xffffffff, 4, "transitions" },
		{ SECOND + 32, 5, 4, "one transition more" },
		{ SECOND + 36, 0, 4, "no types" },
		{ SECOND + 36, 257, 4, "types" },
		{ SECOND + 36, 0xffffffff, 4, "types" },
		{ SECOND + 40, 0xffffffff, 4, "letters" },
		{ SECOND + 40, 5, 4, "a letter more" },
		{ SECOND + 44 + 8, 1000, 8, "the same instant twice" },
		{ SECOND + 44 + 8, -1000, 8, "an instant before" },
		{ SECOND + 44 + 32, 3, 1, "a type that is not there" },
		{ SECOND + 44 + 36, 93600, 4, "an offset to the east" },
		{ SECOND + 44 + 36, -90000, 4, "an offset to the west" },
		{ SECOND + 44 + 36, INT32_MIN, 4, "an offset beyond" },
	};
	struct strbuf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		build(&b, &good);
		for (int k = 0; k < rows[i].bytes; k++)
			b.p[rows[i].at + (size_t)k] =
				(char)((uint64_t)rows[i].value >> (8 * (rows[i].bytes - 1 - k)));
		assert_refused(strbuf_str(&b), rows[i].why, i);
		strbuf_deinit(&b);
	}
}

static void footers_that_are_none_are_refused(void **state)
{
	static const char *const footers[] = { "CET-1CEST", "nonsense", "CET-1CEST,M3.5.0", "5" };
	struct tzif_spec s = good;
	struct strbuf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(footers); i++) {
		s.footer = footers[i];
		build(&b, &s);
		assert_refused(strbuf_str(&b), footers[i], i);
		strbuf_deinit(&b);
	}
	s.footer = NULL;
	build(&b, &s);
	assert_refused(strbuf_str(&b), "no footer", 0);
	strbuf_add(&b, STR("xCET-1\n"));
	assert_refused(strbuf_str(&b), "no newline before it", 0);
	strbuf_deinit(&b);
}

static void a_file_beyond_the_limit_is_refused(void **state)
{
	struct strbuf b;
	struct zone *z = NULL;

	(void)state;
	build(&b, &good);
	while (b.n < ZONE_FILE_MAX)
		strbuf_add_c(&b, 'x');
	assert_ok(zone_read(strbuf_str(&b), &z));
	zone_free(z);
	strbuf_add_c(&b, 'x');
	assert_err(zone_read(strbuf_str(&b), &z), ERR_TOO_LARGE);
	strbuf_deinit(&b);
	zone_free(NULL);
}

static void each_byte_may_be_anything(void **state)
{
	struct strbuf b;
	int accepted = 0, refused = 0;

	(void)state;
	build(&b, &good);
	for (size_t i = 0; i < b.n; i++) {
		static const char values[] = {
			'\0', '\1', '\7', '\x7f', '\x80', '\xff', 'A', '\n'
		};
		char before = b.p[i];
		for (size_t k = 0; k < ARRAY_LEN(values); k++) {
			struct zone *z = NULL;
			b.p[i] = values[k];
			if (is_err(zone_read(strbuf_str(&b), &z))) {
				refused++;
				continue;
			}
			accepted++;
			struct zone_segment s = { .end_s = at("1970-01-01T00:00:00Z") };
			for (int n = 0; n < 20 && s.end_s < ZONE_LAST_S; n++) {
				int64_t asked_s = s.end_s;
				zone_segment_at(z, asked_s, &s);
				CHECK(s.start_s <= asked_s && s.end_s > asked_s, "byte %zu", i);
			}
			zone_free(z);
		}
		b.p[i] = before;
	}
	strbuf_deinit(&b);
	assert_true(accepted > 100 && refused > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_version_reads),
		cmocka_unit_test(a_footer_holds_from_the_last_transition_on),
		cmocka_unit_test(a_footer_alone_is_for_all_time),
		cmocka_unit_test(the_footer_has_the_last_word),
		cmocka_unit_test(transitions_beyond_all_time_are_bounds),
		cmocka_unit_test(a_file_of_the_greatest_size_reads),
		cmocka_unit_test(a_file_cut_short_is_refused_wherever),
		cmocka_unit_test(faults_are_refused),
		cmocka_unit_test(footers_that_are_none_are_refused),
		cmocka_unit_test(a_file_beyond_the_limit_is_refused),
		cmocka_unit_test(each_byte_may_be_anything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
