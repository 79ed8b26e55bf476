/* Named points at which a test may have a process killed: `BELFRY_FAULT=expand_sent:2` kills it, as
 * SIGKILL does, when it passes that point for the second time. Without the setting a point does
 * nothing. For tests of what a crash at the worst moment leaves behind; never set elsewhere. */
#ifndef BELFRY_SYS_FAULT_H
#define BELFRY_SYS_FAULT_H

#include "base/err.h"
#include "base/str.h"

#define FAULT_NAME_SIZE 32

struct fault {
	char point[FAULT_NAME_SIZE];
	int64_t left; /* passings until the end; 0 = there is no fault */
};

/* "point:n" with n from 1 to 1,000,000; empty = none. */
struct err fault_parse(struct str text, struct fault *out) MUST_USE;
void fault_pass(struct fault *f, const char *point);

#endif
