/* What a function writes to a descriptor, through a temporary file. */
#ifndef BELFRY_TESTS_CAPTURE_H
#define BELFRY_TESTS_CAPTURE_H

#include "base/str.h"

struct capture {
	int fd, kept, file;
};

void capture_begin(struct capture *c, int fd); /* STDOUT_FILENO or STDERR_FILENO */
/* Ends it; the text is read into buf, NUL-terminated. */
struct str capture_end(struct capture *c, char *buf, size_t size);

#endif
