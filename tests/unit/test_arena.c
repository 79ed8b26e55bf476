/* Memory of one request. */
#include "check.h"

#include <stdalign.h>
#include <string.h>

#include "base/arena.h"

static void arena_memory_is_zeroed_aligned_and_apart(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	unsigned char *seen[300];
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
			size_t n = i * 7 % 500;
			seen[i] = arena_alloc(a, n);
			assert_int_equal((uintptr_t)seen[i] % alignof(max_align_t), 0);
			for (size_t j = 0; j < n; j++)
				assert_int_equal(seen[i][j], 0);
			memset(seen[i], (int)(i % 255 + 1), n);
		}
		for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
			for (size_t j = 0; j < i * 7 % 500; j++)
				assert_int_equal(seen[i][j], i % 255 + 1);
		}
		arena_reset(a);
	}
	arena_free(a);
}

static void arena_serves_what_is_larger_than_a_chunk(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	char *first = arena_cstr(a, STR("first"));
	char *big = arena_alloc(a, 3 << 20);
	big[(3 << 20) - 1] = 'x';
	char *after = arena_cstr(a, STR("after"));
	assert_string_equal(first, "first");
	assert_string_equal(after, "after");
	/* the chunk being filled is still the small one */
	assert_true(after > first && after - first < 64);
	arena_free(a);

	a = arena_new();
	big = arena_alloc(a, 3 << 20);
	memset(big, 1, 3 << 20);
	arena_reset(a);
	assert_string_equal(arena_cstr(a, STR("again")), "again");
	arena_free(a);
}

static void arena_copies_text_with_a_nul(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	arena_reset(a);
	struct str s = arena_str(a, (struct str){ "number", 3 });
	assert_str(s, "num");
	assert_int_equal(s.p[3], '\0');
	assert_str(arena_str(a, STR_NONE), "");
	int64_t *v = arena_array(a, 10, sizeof(*v));
	assert_int_equal(v[0] | v[9], 0);
	arena_free(a);
	arena_free(NULL);
}

static void ask_an_arena_for_too_much(void)
{
	volatile size_t n = SIZE_MAX / 2;
	struct arena *a = arena_new();
	void *p = arena_array(a, n, 4);
	(void)p;
}

static void ask_an_arena_for_all_there_is(void)
{
	volatile size_t n = SIZE_MAX - 8;
	struct arena *a = arena_new();
	void *p = arena_alloc(a, n);
	(void)p;
}

static void arena_aborts_when_a_size_overflows(void **state)
{
	(void)state;
	assert_true(dies(ask_an_arena_for_too_much));
	assert_true(dies(ask_an_arena_for_all_there_is));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_memory_is_zeroed_aligned_and_apart),
		cmocka_unit_test(arena_serves_what_is_larger_than_a_chunk),
		cmocka_unit_test(arena_copies_text_with_a_nul),
		cmocka_unit_test(arena_aborts_when_a_size_overflows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
