/* Progress on standard error, drawn again and again in one line; nothing where that is no terminal. */
#ifndef BELFRY_CLI_PROGRESS_H
#define BELFRY_CLI_PROGRESS_H

#include "bar.h"
#include "user.h"

struct progress {
	struct terminal terminal;
	struct bar bar;
	usec_t mono_began, mono_drawn;
	bool is_drawn;
};

void progress_begin(struct progress *p, struct terminal terminal, struct bar bar);
void progress_update(struct progress *p, int64_t done, int64_t total);
/* Any one line, at the same place. */
void progress_say(struct progress *p, struct str line);
/* Removes the line; what is said next stands in its place. */
void progress_end(struct progress *p);

#endif
