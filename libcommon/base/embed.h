/* Files of the repository that travel inside the executables: schema migrations, Lua scripts, the
 * OpenAPI document. Found by their path in the repository. Made at build time by embed.py. */
#ifndef BELFRY_BASE_EMBED_H
#define BELFRY_BASE_EMBED_H

#include "base/str.h"

struct embed_file {
	const char *path; /* "proto/schema/0001_init.sql" */
	struct str text;
};

extern const struct embed_file embed_files[]; /* sorted by path; ends with path == NULL */

const struct embed_file *embed_find(const char *path); /* NULL when there is none */

#endif
