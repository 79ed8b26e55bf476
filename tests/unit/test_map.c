/* The table of ids, against an array. */
#include "check.h"

#include "base/map.h"

/* xorshift: the same cases on every run */
static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static struct uuid key_of(uint64_t i)
{
	struct uuid id = UUID_NIL;
	for (size_t b = 0; b < 8; b++)
		id.b[15 - b] = (uint8_t)(i >> (8 * b));
	return id;
}

static void map_finds_replaces_and_removes(void **state)
{
	(void)state;
	int one = 1, two = 2;
	struct map m;
	map_init(&m);
	assert_null(map_get(&m, key_of(1)));
	assert_null(map_remove(&m, key_of(1)));
	map_set(&m, key_of(1), &one);
	assert_ptr_equal(map_get(&m, key_of(1)), &one);
	map_set(&m, key_of(1), &two);
	assert_ptr_equal(map_get(&m, key_of(1)), &two);
	assert_int_equal(map_count(&m), 1);
	map_set(&m, UUID_NIL, &one);
	assert_ptr_equal(map_get(&m, UUID_NIL), &one);
	assert_ptr_equal(map_remove(&m, key_of(1)), &two);
	assert_null(map_remove(&m, key_of(1)));
	assert_int_equal(map_count(&m), 1);
	map_deinit(&m);
	assert_int_equal(map_count(&m), 0);
}

static void map_agrees_with_an_array(void **state)
{
	(void)state;
	enum { N = 500 };
	static int values[N];
	bool is_in[N] = { false };
	size_t n = 0;
	struct map m;
	uint64_t seed = 123456789;
	map_init(&m);
	for (int step = 0; step < 50000; step++) {
		size_t i = next_random(&seed) % N;
		/* long tides, so that it both fills and empties */
		bool adds = next_random(&seed) % 8 < ((step / 5000) % 2 ? 2U : 6U);
		if (adds) {
			map_set(&m, key_of(i), &values[i]);
			n += is_in[i] ? 0 : 1;
		} else {
			assert_ptr_equal(map_remove(&m, key_of(i)), is_in[i] ? &values[i] : NULL);
			n -= is_in[i] ? 1 : 0;
		}
		is_in[i] = adds;
		assert_int_equal(map_count(&m), n);
		size_t probe = next_random(&seed) % N;
		assert_ptr_equal(map_get(&m, key_of(probe)), is_in[probe] ? &values[probe] : NULL);
	}
	map_deinit(&m);
}

static void map_walk_sees_each_once_and_survives_removal(void **state)
{
	(void)state;
	enum { N = 300 };
	struct entry {
		struct uuid key;
		int seen;
	} v[N];
	struct map m;
	struct entry *e;
	map_init(&m);
	for (size_t i = 0; i < N; i++) {
		v[i] = (struct entry){ .key = key_of(i) };
		map_set(&m, v[i].key, &v[i]);
	}
	for (size_t it = 0; (e = map_next(&m, &it)) != NULL;) {
		e->seen++;
		assert_ptr_equal(map_remove(&m, e->key), e);
	}
	for (size_t i = 0; i < N; i++)
		assert_int_equal(v[i].seen, 1);
	assert_int_equal(map_count(&m), 0);
	map_deinit(&m);
}

static void map_gives_memory_back_after_a_peak(void **state)
{
	(void)state;
	static int value;
	struct map m;
	map_init(&m);
	for (uint64_t i = 0; i < 10000; i++)
		map_set(&m, key_of(i), &value);
	size_t peak = m.cap;
	for (uint64_t i = 0; i < 10000; i++)
		map_remove(&m, key_of(i));
	for (uint64_t i = 20000; i < 40000; i++) {
		map_set(&m, key_of(i), &value);
		map_remove(&m, key_of(i));
	}
	assert_true(m.cap < peak / 100);
	map_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_finds_replaces_and_removes),
		cmocka_unit_test(map_agrees_with_an_array),
		cmocka_unit_test(map_walk_sees_each_once_and_survives_removal),
		cmocka_unit_test(map_gives_memory_back_after_a_peak),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
