/* Fault points: the n-th passing of the named one is the end, nothing else is. */
#include "check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fault.h"

static void a_fault_is_a_point_and_a_number(void **state)
{
	(void)state;
	struct fault f = { .left = 7 };
	static const char *const bad[] = { "point",
					   "point:",
					   ":1",
					   "point:0",
					   "point:-1",
					   "point:1x",
					   "point:1000001",
					   "a_point_with_a_name_beyond_limit:1" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(is_err(fault_parse(str_from(bad[i]), &f)), "%s", bad[i]);
	assert_int_equal(f.left, 7); /* written only on success */
	assert_ok(fault_parse(STR("point:12"), &f));
	assert_string_equal(f.point, "point");
	assert_int_equal(f.left, 12);
	assert_ok(fault_parse(STR(""), &f));
	assert_int_equal(f.left, 0);
}

/* The signal that ends a process which passes `point` so many times, or 0. */
static int end_of(const char *spec, const char *point, int times)
{
	struct fault f;
	int status = 0;

	assert_ok(fault_parse(str_from(spec), &f));
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < times; i++)
			fault_pass(&f, point);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void the_nth_passing_is_the_end(void **state)
{
	(void)state;
	assert_int_equal(end_of("point:1", "point", 1), SIGKILL);
	assert_int_equal(end_of("point:3", "point", 3), SIGKILL);
	assert_int_equal(end_of("point:3", "point", 2), 0);
	assert_int_equal(end_of("point:1", "other", 5), 0);
	assert_int_equal(end_of("", "point", 5), 0);
	assert_int_equal(end_of("", "", 5), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fault_is_a_point_and_a_number),
		cmocka_unit_test(the_nth_passing_is_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
