/* What every unit test needs of cmocka, and a few words of our own. */
#ifndef BELFRY_TESTS_CHECK_H
#define BELFRY_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

/* For rows of a table: says which one. CHECK(ok, "%s", row->name) */
#define CHECK(cond, ...)                                                                           \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			print_error("%s: ", #cond);                                                \
			fail_msg(__VA_ARGS__);                                                     \
		}                                                                                  \
	} while (0)

#define assert_ok(e) check_err((e), ERR_OK, __FILE__, __LINE__)
#define assert_err(e, code) check_err((e), (code), __FILE__, __LINE__)
void check_err(struct err e, enum err_code expected, const char *file, int line);

#define assert_str(s, text) check_str((s), (text), __FILE__, __LINE__)
void check_str(struct str s, const char *expected, const char *file, int line);

/* Runs fn in a child process without a voice; true when it did not come back. */
bool dies(void (*fn)(void));

#endif
