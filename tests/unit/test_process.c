/* The ready file, and beginning anew: this program executes itself. */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"
#include "sys/log.h"
#include "sys/process.h"

static char folder[] = "/tmp/belfry-process-XXXXXX";
static char ready[64], nowhere[64];

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(ready, sizeof(ready), "%s/ready", folder);
	(void)snprintf(nowhere, sizeof(nowhere), "%s/none/ready", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(folder); /* a test that leaves a file fails here */
}

static bool stands(const char *path)
{
	return access(path, F_OK) == 0;
}

static void the_file_stands_while_the_process_is_ready(void **state)
{
	struct stat st;

	(void)state;
	process_ready(ready);
	process_ready(ready); /* the one of a process that was killed may stand already */
	assert_int_equal(stat(ready, &st), 0);
	assert_int_equal(st.st_size, 0);
	process_not_ready(ready);
	assert_false(stands(ready));
	process_not_ready(ready);
}

static void no_path_is_no_file(void **state)
{
	char text[256];
	struct capture c;

	(void)state;
	capture_begin(&c, STDERR_FILENO);
	process_ready("");
	process_not_ready("");
	assert_str(capture_end(&c, text, sizeof(text)), "");
}

static void a_file_that_cannot_be_made_is_logged_and_no_more(void **state)
{
	char text[256];
	struct capture c;

	(void)state;
	capture_begin(&c, STDERR_FILENO);
	process_ready(nowhere);
	process_not_ready(nowhere);
	(void)capture_end(&c, text, sizeof(text));
	assert_non_null(strstr(text, "ready_file_failed"));
	assert_non_null(strstr(text, nowhere));
	assert_non_null(strstr(text, "errno=2"));
}

/* In the second life: the pid is that of the first, the name can be had again, and no descriptor but
 * the first three is. */
static int second_life(char **argv)
{
	int expected_pid = atoi(argv[2]), leaked = atoi(argv[3]);
	char name[16];
	if (getpid() != expected_pid)
		return 1;
	process_take_name("/some/where/a-program-of-a-long-name");
	if (prctl(PR_GET_NAME, name) != 0 || strcmp(name, "a-program-of-a-") != 0)
		return 3;
	process_take_name(argv[0]);
	if (prctl(PR_GET_NAME, name) != 0 || strcmp(name, "anew") != 0)
		return 4;
	return fcntl(leaked, F_GETFD) < 0 && fcntl(STDERR_FILENO, F_GETFD) >= 0 ? 42 : 2;
}

static void beginning_anew_keeps_the_pid_and_closes_what_was_open(void **state)
{
	int status = 0;

	(void)state;
	pid_t child = fork();
	if (child == 0) {
		char pid[16], fd[16], program[] = "anew", word[] = "second-life";
		int leaked = dup(STDIN_FILENO); /* without CLOEXEC */
		(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
		(void)snprintf(fd, sizeof(fd), "%d", leaked);
		char *argv[] = { program, word, pid, fd, NULL };
		process_start_over(argv);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

static void begin_anew_with_too_much(void)
{
	size_t n = 4u << 20; /* more than one argument may have */
	char *huge = malloc(n);
	if (!huge)
		_exit(0);
	memset(huge, 'x', n - 1);
	huge[n - 1] = '\0';
	char *argv[] = { huge, NULL };
	process_start_over(argv);
}

static void a_process_that_cannot_begin_anew_ends(void **state)
{
	(void)state;
	assert_true(dies(begin_anew_with_too_much));
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "second-life") == 0)
		return second_life(argv);

	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_stands_while_the_process_is_ready),
		cmocka_unit_test(no_path_is_no_file),
		cmocka_unit_test(a_file_that_cannot_be_made_is_logged_and_no_more),
		cmocka_unit_test(beginning_anew_keeps_the_pid_and_closes_what_was_open),
		cmocka_unit_test(a_process_that_cannot_begin_anew_ends),
	};
	log_setup((struct log_options){ .service = "test", .level = LOG_INFO });
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
