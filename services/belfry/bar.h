/* A bar of progress in one line. Pure. */
#ifndef BELFRY_CLI_BAR_H
#define BELFRY_CLI_BAR_H

#include "base/str.h"

enum bar_unit { BAR_COUNT = 0, BAR_BYTES };

struct bar {
	const char *label; /* ASCII */
	enum bar_unit unit;
	int64_t done, total; /* total < 0: nobody knows; then there is no bar */
	usec_t elapsed_us;
	size_t width; /* cells of the terminal */
};

/* Appends "sending  [=====>    ]  52 %  26.1 of 50.0 MiB  12.3 MiB/s  2 s left", as much of it as
 * fits, without a line break. */
void bar_render(const struct bar *b, struct strbuf *out);
/* "26.1 MiB" */
void bar_bytes(int64_t n, struct strbuf *out);

#endif
