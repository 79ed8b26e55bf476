/* Settings from the environment: every kind, limits, unknown variables, secrets, the commands. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "sys/settings.h"

struct values {
	const char *url, *pepper, *note;
	int64_t count;
	bool is_on;
	usec_t ring, scale_us;
	double ratio;
};

/* Borrowed names: the table of a test must not need variables that no program has. */
static const struct setting table[] = {
	{ "BELFRY_DATABASE_URL", SETTING_STR, offsetof(struct values, url), NULL, 3, 20, false,
	  "Where Postgres is." },
	{ "BELFRY_KEY_PEPPER", SETTING_STR, offsetof(struct values, pepper), "", 0, 0, true,
	  "Mixed into stored keys." },
	{ "BELFRY_URL", SETTING_STR, offsetof(struct values, note), "none", 0, 0, false,
	  "A note." },
	{ "BELFRY_SIM_MIX", SETTING_I64, offsetof(struct values, count), "7", 1, 10, false,
	  "A count." },
	{ "BELFRY_WEBHOOK_ALLOW_HTTP", SETTING_BOOL, offsetof(struct values, is_on), "0", 0, 0,
	  false, "A switch." },
	{ "BELFRY_SIM_RING_MS", SETTING_MS, offsetof(struct values, ring), "200", 0, 60000, false,
	  "A span in milliseconds." },
	{ "BELFRY_SIM_TALK_MS", SETTING_SECONDS, offsetof(struct values, scale_us), "1.5", 0, 3600,
	  false, "A span in seconds." },
	{ "BELFRY_SIM_TIME_SCALE", SETTING_DOUBLE, offsetof(struct values, ratio), "1", 0, 0, false,
	  "A factor." },
};

#define LONG_NAME                                                                                  \
	"BELFRY_A_NAME_OF_MORE_THAN_ONE_HUNDRED_AND_TWENTY_EIGHT_CHARACTERS_IS_NEVER_KNOWN_"       \
	"WHATEVER_IT_SAYS_AND_IT_MUST_NOT_OVERRUN_ANYTHING"

static char out_text[16384], err_text[16384];

static void clear_environment(void)
{
	for (char **e = environ; *e;) {
		char key[256];
		size_t n = strcspn(*e, "=");
		if (strncmp(*e, "BELFRY_", 7) != 0 || n >= sizeof(key)) {
			e++;
			continue;
		}
		memcpy(key, *e, n);
		key[n] = '\0';
		unsetenv(key);
	}
}

static int setup(void **state)
{
	(void)state;
	clear_environment();
	setenv("BELFRY_DATABASE_URL", "postgres://x", 1);
	return 0;
}

static struct err load(struct values *v)
{
	struct capture c;
	*v = (struct values){ .url = NULL };
	capture_begin(&c, STDERR_FILENO);
	struct err e = settings_load(table, ARRAY_LEN(table), v);
	(void)capture_end(&c, err_text, sizeof(err_text)); /* read by the test */
	return e;
}

static void a_secret_may_stand_in_a_file(void **state)
{
	(void)state;
	char path[] = "/tmp/settings-XXXXXX";
	struct values v;
	int fd = mkstemp(path);
	static const struct {
		const char *text;
		size_t n;
		const char *value; /* NULL = refused */
	} cases[] = { { "pepper and salt\n", 16, "pepper and salt" },
		      { "no line end", 11, "no line end" },
		      { " kept before \r\n\n", 16, " kept before" },
		      { "\n", 1, NULL },
		      { "", 0, NULL },
		      { "a\0b", 3, NULL } };

	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsetenv("BELFRY_KEY_PEPPER");
		setenv("BELFRY_KEY_PEPPER_FILE", path, 1);
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, cases[i].text, cases[i].n, 0), (ssize_t)cases[i].n);
		struct err e = load(&v);
		CHECK(is_err(e) == (cases[i].value == NULL), "case %zu", i);
		if (cases[i].value != NULL)
			assert_string_equal(v.pepper, cases[i].value);
		else
			assert_non_null(strstr(err_text, "BELFRY_KEY_PEPPER_FILE"));
	}
	setenv("BELFRY_KEY_PEPPER_FILE", "/nonexistent/file", 1);
	assert_true(is_err(load(&v)));
	setenv("BELFRY_KEY_PEPPER_FILE", path, 1);
	setenv("BELFRY_KEY_PEPPER", "both", 1);
	assert_true(is_err(load(&v)));
	assert_null(strstr(err_text, "both"));
	(void)close(fd); /* of a scratch file */
	(void)unlink(path);
}

static void defaults_hold_where_nothing_is_given(void **state)
{
	(void)state;
	struct values v;
	assert_ok(load(&v));
	assert_string_equal(v.url, "postgres://x");
	assert_string_equal(v.pepper, "");
	assert_string_equal(v.note, "none");
	assert_int_equal(v.count, 7);
	assert_false(v.is_on);
	assert_int_equal(v.ring, 200000);
	assert_int_equal(v.scale_us, 1500000);
	assert_true(fabs(v.ratio - 1) < 1e-9);
	assert_string_equal(err_text, "");
}

static void variables_win_over_defaults(void **state)
{
	(void)state;
	struct values v;
	setenv("BELFRY_SIM_MIX", "10", 1);
	setenv("BELFRY_WEBHOOK_ALLOW_HTTP", "true", 1);
	setenv("BELFRY_SIM_RING_MS", "60000", 1);
	setenv("BELFRY_SIM_TALK_MS", "0.25", 1);
	setenv("BELFRY_SIM_TIME_SCALE", "0.125", 1);
	setenv("BELFRY_URL", "", 1);
	assert_ok(load(&v));
	assert_int_equal(v.count, 10);
	assert_true(v.is_on);
	assert_int_equal(v.ring, 60 * USEC_PER_SEC);
	assert_int_equal(v.scale_us, 250000);
	assert_true(fabs(v.ratio - 0.125) < 1e-9);
	assert_string_equal(v.note, "");
}

static void wrong_values_are_refused_and_named(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "BELFRY_DATABASE_URL", "pg" },
		{ "BELFRY_DATABASE_URL", "postgres://a-much-too-long-name" },
		{ "BELFRY_SIM_MIX", "0" },
		{ "BELFRY_SIM_MIX", "11" },
		{ "BELFRY_SIM_MIX", "" },
		{ "BELFRY_SIM_MIX", "7.5" },
		{ "BELFRY_SIM_MIX", " 7" },
		{ "BELFRY_WEBHOOK_ALLOW_HTTP", "yes" },
		{ "BELFRY_SIM_RING_MS", "0.5" },
		{ "BELFRY_SIM_RING_MS", "60001" },
		{ "BELFRY_SIM_RING_MS", "-1" },
		{ "BELFRY_SIM_TALK_MS", "3600.1" },
		{ "BELFRY_SIM_TALK_MS", "1h" },
		{ "BELFRY_SIM_TIME_SCALE", "fast" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct values v;
		setup(NULL);
		setenv(rows[i][0], rows[i][1], 1);
		struct err e = load(&v);
		CHECK(e.code == ERR_INVALID, "%s=%s", rows[i][0], rows[i][1]);
		CHECK(str_starts(str_from(err_text), str_from(rows[i][0])), "%s", err_text);
	}
}

static void every_fault_has_a_line(void **state)
{
	(void)state;
	struct values v;
	unsetenv("BELFRY_DATABASE_URL");
	setenv("BELFRY_SIM_MIX", "x", 1);
	setenv("BELFRY_NO_SUCH_THING", "1", 1);
	assert_err(load(&v), ERR_INVALID);
	assert_non_null(strstr(err_text, "BELFRY_NO_SUCH_THING: "));
	assert_non_null(strstr(err_text, "BELFRY_DATABASE_URL: this variable is required"));
	assert_non_null(strstr(err_text, "BELFRY_SIM_MIX: "));
}

static void a_variable_that_no_program_knows_is_refused(void **state)
{
	(void)state;
	static const char *const unknown[] = {
		"BELFRY_DATABASE_URLS", "BELFRY_DATABASE", "BELFRY_",
		"BELFRY_database_url",  LONG_NAME,
	};
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		struct values v;
		setup(NULL);
		setenv(unknown[i], "1", 1);
		CHECK(is_err(load(&v)), "%s", unknown[i]);
		assert_non_null(strstr(err_text, "no Belfry program knows this variable"));
	}
	unsetenv(LONG_NAME);
}

static void variables_of_other_programs_are_ignored(void **state)
{
	(void)state;
	struct values v;
	setenv("BELFRY_WEBHOOK_SCHEDULE", "not read here", 1);
	setenv("BELFR", "1", 1);
	assert_ok(load(&v));
	unsetenv("BELFR");
	assert_true(settings_is_known("BELFRY_WEBHOOK_SCHEDULE"));
	assert_false(settings_is_known("BELFRY_WEBHOOK_SCHEDUL"));
	assert_false(settings_is_known(""));
}

static void secrets_are_not_shown_in_faults(void **state)
{
	(void)state;
	static const struct setting secret[] = {
		{ "BELFRY_KEY_PEPPER", SETTING_STR, 0, NULL, 100, 200, true, "A secret." },
	};
	const char *value;
	struct capture c;
	setenv("BELFRY_KEY_PEPPER", "hush-hush", 1);
	capture_begin(&c, STDERR_FILENO);
	assert_err(settings_load(secret, 1, (void *)&value), ERR_INVALID);
	struct str text = capture_end(&c, err_text, sizeof(err_text));
	assert_true(text.n > 0);
	assert_null(strstr(err_text, "hush"));
}

static void limits_that_no_span_can_hold_are_an_internal_fault(void **state)
{
	(void)state;
	static const struct setting broken[] = {
		{ "BELFRY_SIM_RING_MS", SETTING_MS, 0, "1", 0, INT64_MAX, false, "Broken." },
	};
	usec_t value;
	struct capture c;
	capture_begin(&c, STDERR_FILENO);
	struct err e = settings_load(broken, 1, &value);
	(void)capture_end(&c, err_text, sizeof(err_text)); /* read below */
	assert_err(e, ERR_INVALID);
	assert_non_null(strstr(err_text, "limits"));
}

/* What a command printed stands in out_text and err_text. */
static bool command(const char *const *args, int argc, int *exit_code)
{
	struct values v = { .url = NULL };
	char *argv[4] = { NULL };
	struct capture out, err;
	for (int i = 0; i < argc; i++)
		argv[i] = (char *)(uintptr_t)args[i];
	capture_begin(&out, STDOUT_FILENO);
	capture_begin(&err, STDERR_FILENO);
	bool ends = settings_command(argc, argv, (struct settings_table){ table, ARRAY_LEN(table) },
				     &v, exit_code);
	(void)capture_end(&err, err_text, sizeof(err_text)); /* read by the test */
	(void)capture_end(&out, out_text, sizeof(out_text)); /* read by the test */
	return ends;
}

static void no_argument_means_go_on(void **state)
{
	(void)state;
	int code = 77;
	assert_false(command((const char *const[]){ "scheduler" }, 1, &code));
	assert_false(command(NULL, 0, &code));
	assert_int_equal(code, 77);
	assert_string_equal(out_text, "");
}

static void version_names_the_program(void **state)
{
	(void)state;
	int code = 77;
	assert_true(command((const char *const[]){ "/usr/bin/scheduler", "--version" }, 2, &code));
	assert_int_equal(code, 0);
	assert_true(str_starts(str_from(out_text), STR("scheduler 0.")));
}

static void print_config_shows_what_is_in_effect_but_no_secret(void **state)
{
	(void)state;
	int code = 77;
	setenv("BELFRY_KEY_PEPPER", "hush-hush", 1);
	setenv("BELFRY_SIM_RING_MS", "250", 1);
	assert_true(command((const char *const[]){ "scheduler", "--print-config" }, 2, &code));
	assert_int_equal(code, 0);
	assert_string_equal(out_text, "# Where Postgres is. (required)\n"
				      "BELFRY_DATABASE_URL=postgres://x\n"
				      "# Mixed into stored keys. (default empty)\n"
				      "BELFRY_KEY_PEPPER=(set)\n"
				      "# A note. (default none)\n"
				      "BELFRY_URL=none\n"
				      "# A count. (default 7)\n"
				      "BELFRY_SIM_MIX=7\n"
				      "# A switch. (default 0)\n"
				      "BELFRY_WEBHOOK_ALLOW_HTTP=0\n"
				      "# A span in milliseconds. (default 200)\n"
				      "BELFRY_SIM_RING_MS=250\n"
				      "# A span in seconds. (default 1.5)\n"
				      "BELFRY_SIM_TALK_MS=1.5\n"
				      "# A factor. (default 1)\n"
				      "BELFRY_SIM_TIME_SCALE=1\n");
}

static void print_config_needs_no_deployment_but_tells_faults(void **state)
{
	(void)state;
	int code = 77;
	clear_environment();
	assert_true(command((const char *const[]){ "scheduler", "--print-config" }, 2, &code));
	assert_int_equal(code, 0);
	assert_non_null(strstr(out_text, "BELFRY_DATABASE_URL=\n"));
	assert_non_null(strstr(out_text, "BELFRY_KEY_PEPPER=\n"));
	setenv("BELFRY_SIM_MIX", "x", 1);
	assert_true(command((const char *const[]){ "scheduler", "--print-config" }, 2, &code));
	assert_int_equal(code, 1);
	assert_non_null(strstr(err_text, "BELFRY_SIM_MIX: "));
}

static void other_arguments_are_refused(void **state)
{
	(void)state;
	int code = 77;
	assert_true(command((const char *const[]){ "scheduler", "--help" }, 2, &code));
	assert_int_equal(code, 2);
	assert_true(str_starts(str_from(err_text), STR("usage: scheduler ")));
	code = 77;
	assert_true(command((const char *const[]){ "scheduler", "--version", "x" }, 3, &code));
	assert_int_equal(code, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_secret_may_stand_in_a_file, setup),
		cmocka_unit_test_setup(defaults_hold_where_nothing_is_given, setup),
		cmocka_unit_test_setup(variables_win_over_defaults, setup),
		cmocka_unit_test_setup(wrong_values_are_refused_and_named, setup),
		cmocka_unit_test_setup(every_fault_has_a_line, setup),
		cmocka_unit_test_setup(a_variable_that_no_program_knows_is_refused, setup),
		cmocka_unit_test_setup(variables_of_other_programs_are_ignored, setup),
		cmocka_unit_test_setup(secrets_are_not_shown_in_faults, setup),
		cmocka_unit_test_setup(limits_that_no_span_can_hold_are_an_internal_fault, setup),
		cmocka_unit_test_setup(no_argument_means_go_on, setup),
		cmocka_unit_test_setup(version_names_the_program, setup),
		cmocka_unit_test_setup(print_config_shows_what_is_in_effect_but_no_secret, setup),
		cmocka_unit_test_setup(print_config_needs_no_deployment_but_tells_faults, setup),
		cmocka_unit_test_setup(other_arguments_are_refused, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
