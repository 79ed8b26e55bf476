/* The files of the time zone database, by their names: Europe/Berlin, UTC, Etc/GMT+12. What is in
 * them is read by domain/zone.h. */
#ifndef BELFRY_SYS_ZONEINFO_H
#define BELFRY_SYS_ZONEINFO_H

#include "base/err.h"
#include "base/str.h"

#define ZONEINFO_NAME_MAX 64
#define ZONEINFO_FILE_MAX ((size_t)64 * 1024)

/* Whether a text may name a zone at all: words of letters, digits, _ + and - between slashes. Not
 * the copies posix/ and right/, not localtime or posixrules, nothing that leads out of the tree. */
bool zoneinfo_is_name(struct str name);

/* Reads a zone's file in a tree such as /usr/share/zoneinfo, in the name's exact case. ERR_NOT_FOUND
 * when the tree has no such TZif file; ERR_IO, ERR_TOO_LARGE. The bytes are the caller's to free(). */
struct err zoneinfo_read(const char *directory, struct str name, char **out,
			 size_t *n_out) MUST_USE;

#endif
