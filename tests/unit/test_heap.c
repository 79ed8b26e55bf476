/* The heap of instants, against a search through all. */
#include "check.h"

#include "base/heap.h"

/* xorshift: the same cases on every run */
static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void heap_gives_the_earliest_and_equals_in_order_of_insertion(void **state)
{
	(void)state;
	struct heap h;
	struct heap_node v[6] = { { .pos = 0 } };
	static const usec_t at[6] = { 30, 10, 20, 10, USEC_NEVER, -5 };
	static const size_t order[6] = { 5, 1, 3, 2, 0, 4 };
	heap_init(&h);
	assert_null(heap_min(&h));
	for (size_t i = 0; i < 6; i++)
		heap_push(&h, &v[i], at[i]);
	for (size_t i = 0; i < 6; i++) {
		struct heap_node *min = heap_min(&h);
		assert_ptr_equal(min, &v[order[i]]);
		heap_remove(&h, min);
		assert_int_equal(min->pos, 0);
	}
	assert_null(heap_min(&h));
	heap_remove(&h, &v[0]);
	heap_deinit(&h);
}

static void heap_agrees_with_a_search_through_all(void **state)
{
	(void)state;
	enum { N = 200 };
	struct heap h;
	struct heap_node v[N] = { { .pos = 0 } };
	uint64_t seed = 88172645463325252U;
	heap_init(&h);
	for (int step = 0; step < 20000; step++) {
		struct heap_node *node = &v[next_random(&seed) % N];
		if (next_random(&seed) % 3)
			heap_push(&h, node, (usec_t)(next_random(&seed) % 50));
		else
			heap_remove(&h, node);
		const struct heap_node *best = NULL;
		size_t n = 0;
		for (size_t i = 0; i < N; i++) {
			if (!v[i].pos)
				continue;
			n++;
			if (!best || v[i].at < best->at ||
			    (v[i].at == best->at && v[i].seq < best->seq))
				best = &v[i];
		}
		assert_int_equal(h.n, n);
		assert_ptr_equal(heap_min(&h), best);
	}
	heap_deinit(&h);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(v[i].pos, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heap_gives_the_earliest_and_equals_in_order_of_insertion),
		cmocka_unit_test(heap_agrees_with_a_search_through_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
