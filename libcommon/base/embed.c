/* Looks a file up in the table that embed.py wrote. */
#include "base/embed.h"

#include <string.h>

const struct embed_file *embed_find(const char *path)
{
	/* a few dozen entries, looked up at start: no need for anything cleverer */
	for (const struct embed_file *f = embed_files; f->path; f++) {
		if (strcmp(f->path, path) == 0)
			return f;
	}
	return NULL;
}
