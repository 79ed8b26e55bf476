/* The signal cannot be handled, so nothing is flushed and nobody is told: as by the kernel. */
#include "sys/fault.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"

#define PASSINGS_MAX 1000000

struct err fault_parse(struct str text, struct fault *out)
{
	struct fault f = { .left = 0 };

	if (text.n > 0) {
		const char *colon = memchr(text.p, ':', text.n);
		if (colon == NULL || colon == text.p || colon - text.p >= FAULT_NAME_SIZE)
			return ERR(ERR_INVALID, "a fault is given as point:n");
		size_t n = (size_t)(colon - text.p);
		TRY(parse_i64((struct str){ colon + 1, text.n - n - 1 }, 1, PASSINGS_MAX, &f.left));
		memcpy(f.point, text.p, n);
	}
	*out = f;
	return OK;
}

void fault_pass(struct fault *f, const char *point)
{
	if (f->left == 0 || strcmp(f->point, point) != 0)
		return;
	if (--f->left == 0)
		(void)kill(getpid(), SIGKILL); /* cannot fail */
}
