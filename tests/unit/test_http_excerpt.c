/* The excerpt of a stranger's answer is always valid UTF-8 without NUL, and never longer. */
#include "check.h"

#include <string.h>

#include "http/http_excerpt.h"

static const struct {
	struct str raw;
	const char *clean;
} cases[] = {
	{ { NULL, 0 }, "" },
	{ { "plain", 5 }, "plain" },
	{ { "gr\xc3\xbc\xc3\x9f", 6 }, "gr\xc3\xbc\xc3\x9f" },
	{ { "a\0b", 3 }, "a?b" },
	{ { "\xff\xfe", 2 }, "??" },
	{ { "a\x80z", 3 }, "a?z" },
	{ { "\xc3(", 2 }, "?(" },
	/* cut off at the end, after one, two, three bytes */
	{ { "ab\xc3", 3 }, "ab" },
	{ { "ab\xe2\x82", 4 }, "ab" },
	{ { "ab\xf0\x9f\x98", 5 }, "ab" },
	/* not the beginning of anything */
	{ { "ab\x9f", 3 }, "ab?" },
	{ { "ab\xf8\x9f", 4 }, "ab??" },
	{ { "\xed\xa0\x80.", 4 }, "???." },
	{ { "\xc0\xaf", 2 }, "??" },
};

static void excerpts_are_made_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[16];
		size_t n = http_excerpt_clean(cases[i].raw, out);
		CHECK(str_eq((struct str){ out, n }, str_from(cases[i].clean)), "case %zu: %.*s", i,
		      (int)n, out);
		CHECK(str_is_utf8((struct str){ out, n }) && n <= cases[i].raw.n, "case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(excerpts_are_made_fit) };

	return cmocka_run_group_tests_name("http_excerpt", tests, NULL, NULL);
}
