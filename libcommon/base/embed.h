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

/* Files that a browser asks for, by their path below their folder. Only a service whose Makefile rule
 * links such a table has one. */
struct web_file {
	const char *path; /* "lib/api.js" */
	const char *type;
	const char *tag;       /* of its content */
	struct str text, gzip; /* gzip is empty where it would not be smaller */
};

extern const struct web_file web_files[]; /* sorted by path; ends with path == NULL */
extern const char web_base[];             /* where they are: "/dashboard/DIGEST" */

#endif
