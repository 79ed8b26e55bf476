/* Heap memory that is there or the process is not. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void memory_of_no_bytes_is_still_a_pointer(void **state)
{
	(void)state;
	void *p = xmalloc(0), *q = xcalloc(0, 8), *r = xcalloc(8, 0), *s = xrealloc(NULL, 0, 4);
	assert_non_null(p);
	assert_non_null(q);
	assert_non_null(r);
	assert_non_null(s);
	free(p);
	free(q);
	free(r);
	free(s);
}

static void calloc_zeroes_and_realloc_keeps(void **state)
{
	(void)state;
	unsigned char *p = xcalloc(4, 16);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(p[i], 0);
	memcpy(p, "belfry", 7);
	p = xrealloc(p, 1024, 16);
	assert_string_equal((char *)p, "belfry");
	mem_wipe(p, 7);
	assert_int_equal(p[0] | p[1] | p[5], 0);
	mem_wipe(NULL, 0);
	free(p);
}

static void duplicates_end_with_a_nul(void **state)
{
	(void)state;
	char *a = xstrdup("campaign"), *b = xstrndup((struct str){ "campaign", 4 }),
	     *c = xstrndup(STR_NONE);
	assert_string_equal(a, "campaign");
	assert_string_equal(b, "camp");
	assert_string_equal(c, "");
	free(a);
	free(b);
	free(c);
}

static void realloc_too_much(void)
{
	volatile size_t n = SIZE_MAX;
	void *p = xrealloc(NULL, n, 2);
	free(p);
}

static void calloc_too_much(void)
{
	volatile size_t n = SIZE_MAX;
	void *p = xcalloc(n, 2);
	free(p);
}

static void malloc_more_than_there_is(void)
{
	volatile size_t n = PTRDIFF_MAX;
	void *p = xmalloc(n);
	free(p);
}

static void calloc_more_than_there_is(void)
{
	volatile size_t n = PTRDIFF_MAX;
	void *p = xcalloc(n, 1);
	free(p);
}

static void realloc_more_than_there_is(void)
{
	volatile size_t n = PTRDIFF_MAX;
	void *p = xrealloc(NULL, n, 1);
	free(p);
}

static void running_out_of_memory_aborts(void **state)
{
	(void)state;
	assert_true(dies(malloc_more_than_there_is));
	assert_true(dies(calloc_more_than_there_is));
	assert_true(dies(realloc_more_than_there_is));
}

static void sizes_that_overflow_abort(void **state)
{
	(void)state;
	assert_true(dies(realloc_too_much));
	assert_true(dies(calloc_too_much));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_of_no_bytes_is_still_a_pointer),
		cmocka_unit_test(calloc_zeroes_and_realloc_keeps),
		cmocka_unit_test(duplicates_end_with_a_nul),
		cmocka_unit_test(running_out_of_memory_aborts),
		cmocka_unit_test(sizes_that_overflow_abort),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
