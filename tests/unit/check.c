/* See check.h. */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void check_err(struct err e, enum err_code expected, const char *file, int line)
{
	if (e.code == expected)
		return;
	print_error("%s, not %s: %s\n", err_name(e.code), err_name(expected), e.what);
	_fail(file, line);
}

void check_str(struct str s, const char *expected, const char *file, int line)
{
	if (expected ? s.p && str_eq(s, str_from(expected)) : !s.p)
		return;
	print_error("\"%.*s\"\n  is not \"%s\"\n", STR_ARG(s), expected ? expected : "(none)");
	_fail(file, line);
}

/* exit() instead of a core dump: the coverage of the lines that led here is written. */
static void leave(int signal)
{
	(void)signal;
	exit(99);
}

bool dies(void (*fn)(void))
{
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		struct rlimit no_core = { 0, 0 };
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(null, STDERR_FILENO);
		(void)signal(SIGABRT, leave);
		fn();
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}
