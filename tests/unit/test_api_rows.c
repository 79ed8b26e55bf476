/* Statements of the gateway that share a reader have the same columns, in number and type. */
#include "check.h"

#include "store_gen.h"

static void assert_same_columns(const struct pg_stmt *a, const struct pg_stmt *b)
{
	CHECK(a->n_columns == b->n_columns, "%s, %s", a->name, b->name);
	for (int i = 0; i < a->n_columns; i++)
		CHECK(a->column_oids[i] == b->column_oids[i], "%s, %s: column %d", a->name, b->name,
		      i + 1);
}

static void statements_that_share_a_reader_have_the_same_columns(void **state)
{
	static const struct pg_stmt *const pairs[][2] = {
		{ &stmt_api_campaign_get, &stmt_api_campaign_list },
		{ &stmt_api_campaign_get, &stmt_api_campaign_replay },
		{ &stmt_api_target_get, &stmt_api_target_list },
		{ &stmt_api_target_get, &stmt_api_target_search },
		{ &stmt_api_attempt_list, &stmt_api_attempt_of_target },
		{ &stmt_api_call_ids, &stmt_api_campaign_call_ids },
		{ &stmt_api_agent_delete, &stmt_api_number_delete },
		{ &stmt_api_agent_delete, &stmt_api_trunk_delete },
		{ &stmt_api_delivery_list, &stmt_api_delivery_get },
		{ &stmt_api_campaign_lock, &stmt_api_campaign_lock_append },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		assert_same_columns(pairs[i][0], pairs[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_that_share_a_reader_have_the_same_columns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
