/* The intrusive list. */
#include "check.h"

#include "base/list.h"

struct item {
	int id;
	struct list_node node;
};

static int id_of(struct list_node *node)
{
	return node ? CONTAINER_OF(node, struct item, node)->id : -1;
}

static void list_keeps_order_and_removes_anywhere(void **state)
{
	(void)state;
	struct item v[5] = { { .id = 0 }, { .id = 1 }, { .id = 2 }, { .id = 3 }, { .id = 4 } };
	struct list l;
	list_init(&l);
	assert_true(list_is_empty(&l));
	assert_null(list_first(&l));
	assert_null(list_pop_front(&l));
	for (int i = 1; i < 5; i++)
		list_push_back(&l, &v[i].node);
	list_push_front(&l, &v[0].node);
	assert_int_equal(l.n, 5);
	int expected = 0;
	for (struct list_node *n = list_first(&l); n; n = list_next(&l, n))
		assert_int_equal(id_of(n), expected++);
	assert_int_equal(expected, 5);
	list_remove(&l, &v[2].node);
	list_remove(&l, &v[2].node);
	list_remove(&l, &v[4].node);
	assert_false(list_node_is_linked(&v[2].node));
	assert_true(list_node_is_linked(&v[1].node));
	assert_int_equal(id_of(list_pop_front(&l)), 0);
	assert_int_equal(id_of(list_pop_front(&l)), 1);
	assert_int_equal(id_of(list_pop_front(&l)), 3);
	assert_true(list_is_empty(&l));
	list_push_back(&l, &v[2].node);
	assert_int_equal(id_of(list_first(&l)), 2);
}

static void link_twice(void)
{
	struct item v = { .id = 1 };
	struct list l;
	list_init(&l);
	list_push_back(&l, &v.node);
	list_push_back(&l, &v.node);
}

static void list_refuses_a_node_that_is_linked(void **state)
{
	(void)state;
	assert_true(dies(link_twice));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_keeps_order_and_removes_anywhere),
		cmocka_unit_test(list_refuses_a_node_that_is_linked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
