/* The beginning of a stranger's answer, made fit for a text column and a terminal. Pure. */
#ifndef BELFRY_HTTP_HTTP_EXCERPT_H
#define BELFRY_HTTP_HTTP_EXCERPT_H

#include "base/str.h"

/* Writes at most raw.n bytes to out: valid UTF-8 without NUL. What is not becomes `?`, one for
 * each byte; a sequence cut off by the end is dropped. Returns the bytes written. */
size_t http_excerpt_clean(struct str raw, char *out);

#endif
