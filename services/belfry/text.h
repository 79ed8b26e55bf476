/* Text as a terminal shows it. What the API says was written by others: a name with an escape
 * sequence in it must not move anybody's cursor. */
#ifndef BELFRY_CLI_TEXT_H
#define BELFRY_CLI_TEXT_H

#include "base/str.h"

/* Cells that the text takes: wide characters two, combining ones none. Well-formed UTF-8. */
size_t text_width(struct str s);
/* Appends the text in one line: control characters become a blank (tab, line break) or U+FFFD, and
 * so does what is not UTF-8. */
void text_clean(struct str s, struct strbuf *out);
/* Appends at most `width` cells; what was cut ends in an ellipsis. Returns the cells appended. */
size_t text_cut(struct str s, size_t width, struct strbuf *out);

#endif
