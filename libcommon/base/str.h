/* Text. `struct str` borrows bytes and is passed by value; it is not NUL-terminated.
 * `struct strbuf` builds text under a hard limit: an append that would pass the limit appends
 * nothing, and neither does any later one; the buffer says so at the end (`strbuf_overflowed`), so
 * a chain of appends needs one check. The bytes of a strbuf are always followed by a NUL. */
#ifndef BELFRY_BASE_STR_H
#define BELFRY_BASE_STR_H

#include "base/base.h"

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE ((struct str){ NULL, 0 })
/* For printf: "%.*s", STR_ARG(s) */
#define STR_ARG(s) (int)(s).n, (s).p

struct str str_from(const char *cstr); /* NULL gives STR_NONE */
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s); /* spaces and tabs at both ends */
bool str_is_utf8(struct str s);    /* RFC 3629: no surrogates, no overlong */
/* Length of the longest well-formed beginning; s.n when all of it is UTF-8. */
size_t str_utf8_prefix(struct str s);
/* Cuts at the first `sep`: *head is before it, *rest after it. Without one: head = s, rest empty,
 * false. */
bool str_split(struct str s, char sep, struct str *head, struct str *rest);

struct strbuf {
	char *p;
	size_t n;
	size_t cap;
	size_t max;
	bool overflowed;
};

void strbuf_init(struct strbuf *b, size_t max);
void strbuf_deinit(struct strbuf *b); /* accepts a zeroed one */
void strbuf_reset(struct strbuf *b);  /* empties, keeps the memory */
void strbuf_add(struct strbuf *b, struct str s);
void strbuf_add_bytes(struct strbuf *b, const void *p, size_t n);
void strbuf_add_i64(struct strbuf *b, int64_t v);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct str strbuf_str(const struct strbuf *b);
bool strbuf_overflowed(const struct strbuf *b);
char *strbuf_detach(struct strbuf *b); /* gives away the NUL-terminated bytes */

/* Most of a text's punctuation goes through here: where there is room it is one store. */
static inline void strbuf_add_c(struct strbuf *b, char c)
{
	if (b->overflowed || b->cap - b->n < 2) {
		strbuf_add_bytes(b, &c, 1);
		return;
	}
	b->p[b->n++] = c;
	b->p[b->n] = '\0';
}

#endif
