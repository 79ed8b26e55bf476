/* Log lines: one write each, quoted where needed, masked, bounded. */
#include "check.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "sys/log.h"

#define TIME_LEN 24

static int setup(void **state)
{
	(void)state;
	log_setup((struct log_options){ .service = "scheduler", .level = LOG_INFO });
	return 0;
}

/* The line without its time, which is checked for its form. */
static const char *after_time(struct str line)
{
	assert_true(line.n > TIME_LEN);
	assert_int_equal(line.p[4], '-');
	assert_int_equal(line.p[TIME_LEN - 1], 'Z');
	assert_int_equal(line.p[TIME_LEN], ' ');
	return line.p + TIME_LEN + 1;
}

static void a_line_is_time_level_service_event_and_pairs(void **state)
{
	(void)state;
	char buf[8192];
	struct capture c;
	capture_begin(&c, STDERR_FILENO);
	log_info("leader_won", LI("epoch", 7), LS("host", "a"), LI("low", INT64_MIN),
		 LID("call", ID_CALL, ((struct uuid){ { [15] = 1 } })),
		 LID("none", ID_CALL, UUID_NIL));
	assert_string_equal(after_time(capture_end(&c, buf, sizeof(buf))),
			    "info scheduler leader_won epoch=7 host=a low=-9223372036854775808 "
			    "call=call_00000000000000000000000001 none=-\n");
}

static void an_event_may_stand_alone(void **state)
{
	(void)state;
	char buf[8192];
	struct capture c;
	capture_begin(&c, STDERR_FILENO);
	log_warn("draining");
	assert_string_equal(after_time(capture_end(&c, buf, sizeof(buf))),
			    "warn scheduler draining\n");
}

static void errors_carry_their_name_and_reason(void **state)
{
	(void)state;
	char buf[8192];
	struct capture c;
	capture_begin(&c, STDERR_FILENO);
	log_error("pg_lost", LERR(ERR(ERR_UNAVAILABLE, "the connection was lost")));
	assert_string_equal(after_time(capture_end(&c, buf, sizeof(buf))),
			    "error scheduler pg_lost error=unavailable "
			    "reason=\"the connection was lost\"\n");
}

static void values_cannot_forge_a_line_or_a_pair(void **state)
{
	(void)state;
	static const struct {
		struct str value;
		const char *text;
	} rows[] = {
		{ { "plain", 5 }, "plain" },
		{ { "", 0 }, "\"\"" },
		{ { NULL, 0 }, "\"\"" },
		{ { "a b", 3 }, "\"a b\"" },
		{ { "a=b", 3 }, "\"a=b\"" },
		{ { "a\"b\\", 4 }, "\"a\\\"b\\\\\"" },
		{ { "a\nerror x", 9 }, "\"a\\nerror x\"" },
		{ { "\r\x1b[2J", 5 }, "\"\\x0d\\x1b[2J\"" },
		{ { "\x7f", 1 }, "\"\\x7f\"" },
		{ { "a\0b", 3 }, "\"a\\x00b\"" },
		{ { "\xc3\xa9", 2 }, "\xc3\xa9" },
		{ { "\xc3\xa9 x", 4 }, "\"\xc3\xa9 x\"" },
		{ { "\xc3", 1 }, "\"\\xc3\"" },
		{ { "\xff\xc3\xa9", 3 }, "\"\\xff\\xc3\\xa9\"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char buf[8192], expected[256] = "info scheduler e k=";
		struct capture c;
		strncat(expected, rows[i].text, 100);
		strncat(expected, "\n", 2);
		capture_begin(&c, STDERR_FILENO);
		log_info("e", LT("k", rows[i].value));
		assert_string_equal(after_time(capture_end(&c, buf, sizeof(buf))), expected);
	}
}

static void phone_numbers_are_masked_unless_told_otherwise(void **state)
{
	(void)state;
	char buf[8192], masked[LOG_PHONE_SIZE];
	struct capture c;
	static const char *const rows[][2] = {
		{ "+15555551234", "+1555•••1234" },
		{ "+123456789012345", "+1234•••2345" },
		{ "+1234567890", "+123•••7890" },
		{ "+123456789", "+12•••6789" },
		{ "+12345678", "•••" },
		{ "", "•••" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		log_mask_phone(str_from(rows[i][0]), masked);
		assert_string_equal(masked, rows[i][1]);
	}
	capture_begin(&c, STDERR_FILENO);
	log_info("dial", LPHONE("to", STR("+15555551234")));
	assert_string_equal(after_time(capture_end(&c, buf, sizeof(buf))),
			    "info scheduler dial to=+1555•••1234\n");
	log_setup((struct log_options){ .service = "scheduler", .full_numbers = true });
	capture_begin(&c, STDERR_FILENO);
	log_info("dial", LPHONE("to", STR("+15555551234")));
	assert_string_equal(after_time(capture_end(&c, buf, sizeof(buf))),
			    "info scheduler dial to=+15555551234\n");
}

static void a_level_is_given_by_its_word(void **state)
{
	(void)state;
	char buf[8192];
	struct capture c;

	assert_true(log_setup_by_word("debug", (struct log_options){ .service = "scheduler" }));
	assert_true(log_enabled(LOG_DEBUG));
	assert_true(log_setup_by_word("warn", (struct log_options){ .service = "scheduler" }));
	assert_false(log_enabled(LOG_INFO));
	capture_begin(&c, STDERR_FILENO);
	bool is_known = log_setup_by_word("loud", (struct log_options){ .service = "scheduler" });
	struct str said = capture_end(&c, buf, sizeof(buf));
	assert_false(is_known);
	assert_str(said, "BELFRY_LOG_LEVEL: debug, info, warn or error, not 'loud'\n");
}

static void lower_levels_are_silent(void **state)
{
	(void)state;
	char buf[8192];
	struct capture c;
	capture_begin(&c, STDERR_FILENO);
	log_debug("hidden", LI("n", 1));
	assert_int_equal(capture_end(&c, buf, sizeof(buf)).n, 0);
	assert_false(log_enabled(LOG_DEBUG));
	assert_true(log_enabled(LOG_INFO));
	log_setup((struct log_options){ .service = "scheduler", .level = LOG_DEBUG });
	capture_begin(&c, STDERR_FILENO);
	log_debug("shown");
	assert_string_equal(after_time(capture_end(&c, buf, sizeof(buf))),
			    "debug scheduler shown\n");
}

static void levels_have_names(void **state)
{
	(void)state;
	enum log_level level = LOG_DEBUG;
	static const char *const names[] = { "debug", "info", "warn", "error" };
	for (int i = 0; i < LOG_LEVEL_COUNT; i++) {
		assert_true(log_level_parse(str_from(names[i]), &level));
		assert_int_equal(level, i);
	}
	assert_false(log_level_parse(STR("INFO"), &level));
	assert_false(log_level_parse(STR(""), &level));
	assert_int_equal(level, LOG_ERROR);
}

static void long_lines_are_cut_at_a_character_and_say_so(void **state)
{
	(void)state;
	static char big[9000];
	char buf[16384];
	for (size_t shift = 0; shift < 3; shift++) {
		struct capture c;
		for (size_t i = 0; i + 3 <= sizeof(big); i += 3)
			memcpy(big + i, "•", 3);
		capture_begin(&c, STDERR_FILENO);
		log_info("e", LT("k", ((struct str){ "xxx", shift })),
			 LT("big", ((struct str){ big, sizeof(big) })), LI("lost", 1));
		struct str line = capture_end(&c, buf, sizeof(buf));
		assert_in_range(line.n, 4090, 4096);
		assert_true(str_ends(line, STR(" cut=1\n")));
		assert_true(str_is_utf8(line));
		assert_null(strstr(line.p, "lost"));
	}
}

/* On a pipe each write is one message as long as it is at most PIPE_BUF, so a packet-mode pipe
 * shows the writes one by one. */
static void each_line_is_one_write(void **state)
{
	(void)state;
	int fds[2];
	char buf[8192];
	int kept = dup(STDERR_FILENO);
	assert_int_equal(pipe2(fds, O_DIRECT | O_CLOEXEC), 0);
	dup2(fds[1], STDERR_FILENO);
	log_info("one", LI("a", 1), LS("b", "two words"), LS("c", ""));
	log_info("two");
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(fds[1]);
	ssize_t n = read(fds[0], buf, sizeof(buf) - 1);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_string_equal(after_time((struct str){ buf, (size_t)n }),
			    "info scheduler one a=1 b=\"two words\" c=\"\"\n");
	n = read(fds[0], buf, sizeof(buf) - 1);
	assert_true(n > 0);
	assert_int_equal(buf[n - 1], '\n');
	assert_int_equal(read(fds[0], buf, sizeof(buf)), 0);
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_line_is_time_level_service_event_and_pairs, setup),
		cmocka_unit_test_setup(an_event_may_stand_alone, setup),
		cmocka_unit_test_setup(errors_carry_their_name_and_reason, setup),
		cmocka_unit_test_setup(values_cannot_forge_a_line_or_a_pair, setup),
		cmocka_unit_test_setup(phone_numbers_are_masked_unless_told_otherwise, setup),
		cmocka_unit_test_setup(a_level_is_given_by_its_word, setup),
		cmocka_unit_test_setup(lower_levels_are_silent, setup),
		cmocka_unit_test_setup(levels_have_names, setup),
		cmocka_unit_test_setup(long_lines_are_cut_at_a_character_and_say_so, setup),
		cmocka_unit_test_setup(each_line_is_one_write, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
