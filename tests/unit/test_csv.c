/* Each text is read whole and byte by byte: the rows must be the same. */
#include "check.h"

#include <string.h>

#include "domain/csv.h"
#include "domain/region.h"

static const struct csv_limits small = { .max_field = 16, .max_row = 32, .max_columns = 4 };

/* Rows as text: fields between bars, line and fault behind. */
static void note(struct strbuf *b, const struct csv_row *row)
{
	strbuf_addf(b, "%d:", (int)row->line);
	for (size_t i = 0; i < row->n; i++)
		strbuf_addf(b, "|%.*s", STR_ARG(row->fields[i]));
	strbuf_addf(b, "|%s;", row->fault == CSV_FINE ? "" : csv_fault_text(row->fault));
}

static void read_all(struct str in, size_t piece, struct strbuf *b)
{
	struct csv *c = csv_new(small);
	struct csv_row row;
	while (in.n > 0) {
		size_t used, n = piece < in.n ? piece : in.n;
		if (csv_next(c, (struct str){ in.p, n }, &used, &row))
			note(b, &row);
		else
			assert_int_equal(used, n);
		in.p += used;
		in.n -= used;
	}
	if (csv_end(c, &row))
		note(b, &row);
	csv_free(c);
}

#define T(text)                                                                                    \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
#define LARGE "is too large, or has too many fields"
#define QUOTE "has text after a closing quote"
#define NOT_UTF8 "is not UTF-8, or has a NUL"
#define NO_END "has an opening quote that is never closed"

static const struct {
	const char *name;
	struct str in;
	const char *want;
} texts[] = {
	{ "nothing", T(""), "" },
	{ "rows", T("a,b\nc,d\n"), "1:|a|b|;2:|c|d|;" },
	{ "no last end", T("a,b\nc"), "1:|a|b|;2:|c|;" },
	{ "crlf", T("a,b\r\nc\r\n"), "1:|a|b|;2:|c|;" },
	{ "cr", T("a\rb\r\rc"), "1:|a|;2:|b|;4:|c|;" },
	{ "empty fields", T(",\n,,\n"), "1:|||;2:||||;" },
	{ "blank lines", T("\n\r\na\n\n"), "3:|a|;" },
	{ "a quoted nothing", T("\"\"\n"), "1:||;" },
	{ "quotes", T("\"a,b\",\"c\"\"d\"\n"), "1:|a,b|c\"d|;" },
	{ "lines in quotes", T("\"a\r\nb\",c\nd"), "1:|a\r\nb|c|;3:|d|;" },
	{ "a quote inside", T("5\" x,b\n"), "1:|5\" x|b|;" },
	{ "text after quotes", T("\"a\"b,c\nd\n"), "1:|ab|c|" QUOTE ";2:|d|;" },
	{ "an open quote", T("a\n\"b,c\nd\n"), "1:|a|;2:|b,c\nd\n|" NO_END ";" },
	{ "an open quote at the end", T("a\n\""), "1:|a|;2:||" NO_END ";" },
	{ "an open quote over a limit", T("x,\"0123456789\n0123456789"), "1:|x|" NO_END ";" },
	{ "an open quote past the columns", T("1,2,3,4,\"5,6\n7"), "1:|1|2|3|4|" NO_END ";" },
	{ "a bom", T("\xef\xbb\xbf\"a\"\n"), "1:|a|;" },
	{ "a bom alone", T("\xef\xbb\xbf"), "" },
	{ "half a bom", T("\xef\xbb"), "1:|\xef\xbb|" NOT_UTF8 ";" },
	{ "nearly a bom", T("\xef\xbb\xbe,a"), "1:|\xef\xbb\xbe|a|;" },
	{ "a bom later", T("a\n\xef\xbb\xbf"), "1:|a|;2:|\xef\xbb\xbf|;" },
	{ "not utf-8", T("\xff,a\nb"), "1:|\xff|a|" NOT_UTF8 ";2:|b|;" },
	{ "utf-8 across a comma", T("\xc3,\xa9\n"), "1:|\xc3|\xa9|" NOT_UTF8 ";" },
	{ "a nul", T("a\0b\nc"), "1:|a|" NOT_UTF8 ";2:|c|;" },
	{ "a field at its limit", T("0123456789abcdef\n"), "1:|0123456789abcdef|;" },
	{ "a field over it", T("0123456789abcdefg,b\nc\n"), "1:|" LARGE ";2:|c|;" },
	{ "a quoted one", T("x,\"0123456789\n0123456789\",b\nc\n"), "1:|x|" LARGE ";3:|c|;" },
	{ "a row over its limit", T("0123456789a,0123456789a,0123456789a\nb"),
	  "1:|0123456789a|0123456789a|" LARGE ";2:|b|;" },
	{ "columns over their limit", T("1,2,3,4,5,6\n7"), "1:|1|2|3|4|" LARGE ";2:|7|;" },
};

static void texts_are_read_as_they_are_meant(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		for (size_t piece = 1; piece <= 64; piece = piece < 4 ? piece + 1 : piece * 4) {
			struct strbuf b;
			strbuf_init(&b, 4096);
			read_all(texts[i].in, piece, &b);
			/* a NUL ends what "%.*s" prints, and the comparison with it */
			CHECK(strcmp(b.p == NULL ? "" : b.p, texts[i].want) == 0, "%s in %zus: %s",
			      texts[i].name, piece, b.p);
			strbuf_deinit(&b);
		}
	}
}

static const struct {
	struct str field;
	bool is_guarded;
	const char *want;
} written[] = {
	{ T("a b"), true, "a b" },
	{ T(""), true, "" },
	{ T("a,b"), false, "\"a,b\"" },
	{ T("say \"x\""), false, "\"say \"\"x\"\"\"" },
	{ T("a\nb"), true, "\"a\nb\"" },
	{ T("+14155550123"), false, "+14155550123" },
	{ T("+1"), true, "'+1" },
	{ T("=cmd|' /C calc'!A0"), true, "'=cmd|' /C calc'!A0" },
	{ T("=1,2"), true, "\"'=1,2\"" },
	{ T("-1"), true, "'-1" },
	{ T("@SUM(1)"), true, "'@SUM(1)" },
	{ T("\t=1"), true, "'\t=1" },
	{ T("\r=1"), true, "\"'\r=1\"" },
	{ T("a=1"), true, "a=1" },
};

static void fields_are_written_as_they_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(written); i++) {
		struct strbuf b;
		strbuf_init(&b, 256);
		csv_put(&b, written[i].field, written[i].is_guarded);
		CHECK(strcmp(b.n == 0 ? "" : b.p, written[i].want) == 0, "%zu: %s", i, b.p);
		strbuf_deinit(&b);
	}
}

static const struct {
	const char *region, *given, *want; /* NULL = refused */
} numbers[] = {
	{ "US", "4155550123", "+14155550123" },
	{ "US", "(415) 555-0123", "+14155550123" },
	{ "US", "1 415 555 0123", "+14155550123" },
	{ "US", "+44 20 7946 0018", "+442079460018" },
	{ "US", "011442079460018", "+442079460018" },
	{ "US", "5550123", NULL },
	{ "IN", "9876543210", "+919876543210" },
	{ "IN", "09876543210", "+919876543210" },
	{ "IN", "919876543210", "+919876543210" },
	{ "IN", "00919876543210", "+919876543210" },
	{ "IN", "987654321", NULL },
	{ "GB", "020 7946 0018", "+442079460018" },
	{ "GB", "442079460018", "+442079460018" },
	{ "DE", "0171/1234567", "+491711234567" },
	{ "IT", "06 1234 5678", "+390612345678" },
	{ "HU", "06 1 234 5678", "+3612345678" },
	{ "SG", "61234567", "+6561234567" },
	{ "SG", "6561234567", "+6561234567" },
	{ "US", "", NULL },
	{ "US", "+", NULL },
	{ "US", "++14155550123", NULL },
	{ "US", "4155550123x5", NULL },
	{ "US", "123456789012345678901", NULL },
	{ "US", "+1234567890123456", NULL },
};

static void numbers_of_a_region_become_international(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		char out[REGION_E164_SIZE] = "";
		const struct region *r = region_find(str_from(numbers[i].region));
		assert_non_null(r);
		bool is_good = region_to_e164(r, str_from(numbers[i].given), out);
		CHECK(is_good == (numbers[i].want != NULL), "%s: %s", numbers[i].given, out);
		CHECK(!is_good || strcmp(out, numbers[i].want) == 0, "%s: %s", numbers[i].given,
		      out);
	}
	assert_null(region_find(STR("XX")));
	assert_null(region_find(STR("us")));
	assert_null(region_find(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_as_they_are_meant),
		cmocka_unit_test(fields_are_written_as_they_are_read),
		cmocka_unit_test(numbers_of_a_region_become_international),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
