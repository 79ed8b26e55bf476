/* The command line of belfry: words into options and arguments. */
#include "check.h"

#include <string.h>

#include "../../services/belfry/options.h"

#define WORDS_MAX 16

static const enum option allowed[] = { OPT_NAME, OPT_RATE, OPT_MAX_CONCURRENT, OPT_JSON, OPT_END };

/* The words of a line, parsed; the text is borrowed from `line`. */
static struct err parse(char *line, const char *arity, struct arguments *out, char *fault)
{
	char *words[WORDS_MAX];
	int n = 0;

	for (char *p = line; *p != '\0' && n < WORDS_MAX; n++) {
		words[n] = p;
		p += strcspn(p, "|");
		if (*p == '|')
			*p++ = '\0';
	}
	return options_parse(n, words, (struct options_wanted){ allowed, arity }, out, fault);
}

static void what_is_right_is_taken(void **state)
{
	(void)state;
	char line[] = "--rate|30|cmp_1|--name=a=b|--json|-|--|--name";
	char fault[OPTION_FAULT_SIZE] = "";
	struct arguments a;

	assert_ok(parse(line, "CAMPAIGN [NUMBER...]", &a, fault));
	assert_true(a.given[OPT_RATE] && a.given[OPT_NAME] && a.given[OPT_JSON]);
	assert_false(a.given[OPT_MAX_CONCURRENT]);
	assert_str(a.value[OPT_RATE], "30");
	assert_str(a.value[OPT_NAME], "a=b");
	assert_int_equal(a.n_args, 3);
	assert_str(a.args[0], "cmp_1");
	assert_str(a.args[1], "-");
	assert_str(a.args[2], "--name");
	arguments_deinit(&a);
}

static void what_is_wrong_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *line, *arity, *fault;
	} rows[] = {
		{ "--nam|x", "", "this command has no option --nam" },
		{ "--cron|x", "", "this command has no option --cron" },
		{ "-x", "", "this command has no option -x" },
		{ "--name", "", "--name: NAME is missing" },
		{ "--name|a|--name|b", "", "--name: given twice" },
		{ "--json=1", "", "--json: takes no value" },
		{ "--rate|12x", "", "--rate: 12x is not a whole number" },
		{ "--rate|1.5", "", "--rate: 1.5 is not a whole number" },
		{ "--rate|99999999999999999999", "",
		  "--rate: 99999999999999999999 is not a whole number" },
		{ "--max-concurrent|all", "",
		  "--max-concurrent: all is not a whole number, and not none" },
		{ "--name|\xff", "", "--name: the value is not UTF-8" },
		{ "x", "", "this command takes no argument such as x" },
		{ "--json", "CAMPAIGN", "this command takes CAMPAIGN" },
		{ "a|b", "CAMPAIGN", "this command takes CAMPAIGN" },
		{ "a", "CAMPAIGN TARGET", "this command takes CAMPAIGN TARGET" },
		{ "--|\xff", "CAMPAIGN", "an argument is empty or not UTF-8" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[128], fault[OPTION_FAULT_SIZE] = "";
		struct arguments a;
		memcpy(line, rows[i].line, strlen(rows[i].line) + 1);
		struct err e = parse(line, rows[i].arity, &a, fault);
		CHECK(e.code == ERR_INVALID && strcmp(fault, rows[i].fault) == 0, "%s: %s",
		      rows[i].line, fault);
	}
}

static void help_is_given_whatever_else_is_missing(void **state)
{
	(void)state;
	char line[] = "--help", fault[OPTION_FAULT_SIZE];
	struct arguments a;

	assert_ok(parse(line, "CAMPAIGN", &a, fault));
	assert_true(a.given[OPT_HELP]);
	arguments_deinit(&a);
}

static void limits_may_be_none(void **state)
{
	(void)state;
	char line[] = "--max-concurrent|none", fault[OPTION_FAULT_SIZE];
	struct arguments a;

	assert_ok(parse(line, "", &a, fault));
	assert_str(a.value[OPT_MAX_CONCURRENT], "none");
	arguments_deinit(&a);
}

static void an_arity_says_how_many(void **state)
{
	(void)state;
	static const struct {
		const char *arity;
		size_t min, max;
	} rows[] = {
		{ "", 0, 0 },
		{ "CAMPAIGN", 1, 1 },
		{ "CAMPAIGN TARGET", 2, 2 },
		{ "[NOUN] [VERB]", 0, 2 },
		{ "[NUMBER...]", 0, ARGUMENTS_MAX },
		{ "CAMPAIGN [NUMBER...]", 1, ARGUMENTS_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t min, max;
		option_arity(rows[i].arity, &min, &max);
		CHECK(min == rows[i].min && max == rows[i].max, "%s: %zu %zu", rows[i].arity, min,
		      max);
	}
}

/* What the table says of itself: nothing else would notice a hole in it. */
static void the_table_is_whole(void **state)
{
	(void)state;
	for (unsigned o = OPT_END + 1; o < OPT_COUNT; o++) {
		const struct option_rule *r = &option_rules[o];
		CHECK(r->name != NULL && strncmp(r->name, "--", 2) == 0, "%u", o);
		CHECK(r->doc != NULL && *r->doc != '\0', "%s", r->name);
		CHECK((r->kind == OPTION_FLAG) == (r->value == NULL), "%s", r->name);
		CHECK((r->place == PLACE_LOCAL) == (r->field == NULL), "%s", r->name);
	}
}

static void a_field_names_its_option(void **state)
{
	(void)state;
	assert_int_equal(option_of_field(allowed, STR("rate_limit_per_minute")), OPT_RATE);
	assert_int_equal(option_of_field(allowed, STR("cron")), OPT_END);
	assert_int_equal(option_of_field(allowed, STR("")), OPT_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_right_is_taken),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(help_is_given_whatever_else_is_missing),
		cmocka_unit_test(limits_may_be_none),
		cmocka_unit_test(an_arity_says_how_many),
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(a_field_names_its_option),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
