/* Files inside the executable. */
#include "check.h"

#include <string.h>

#include "base/embed.h"

static void embedded_files_are_found_by_path_and_end_with_a_nul(void **state)
{
	(void)state;
	const struct embed_file *f = embed_find("libcommon/sys/settings_known.txt");
	assert_non_null(f);
	assert_true(f->text.n > 0);
	assert_int_equal(f->text.p[f->text.n], '\0');
	assert_int_equal(strlen(f->text.p), f->text.n);
	assert_null(embed_find("libcommon/sys/settings_known"));
	assert_null(embed_find(""));
}

static void embedded_files_are_sorted_by_path(void **state)
{
	(void)state;
	size_t n = 0;
	for (const struct embed_file *f = embed_files; f->path; f++, n++) {
		if (n > 0)
			CHECK(strcmp(f[-1].path, f->path) < 0, "%s", f->path);
	}
	assert_true(n >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(embedded_files_are_found_by_path_and_end_with_a_nul),
		cmocka_unit_test(embedded_files_are_sorted_by_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
