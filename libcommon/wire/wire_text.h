/* The text of stream entries: words separated by single blanks, ids as 32 hex digits, numbers in
 * decimal without sign or leading zeros. There is one way to write a value, so equal values have
 * equal bytes. A reader that met a fault stays faulty: a chain of gets needs one check. */
#ifndef BELFRY_WIRE_WIRE_TEXT_H
#define BELFRY_WIRE_WIRE_TEXT_H

#include "base/err.h"
#include "base/uuid.h"

/* The latest instant that travels: the end of the year 9999. */
#define WIRE_INSTANT_MAX INT64_C(253402300799999999)
/* No limit is higher; a higher one is cut to it, which no process notices. */
#define WIRE_PER_MIN_MAX INT64_C(1000000000)

struct wire_out {
	struct strbuf *b;
	bool is_begun; /* a word stands already: a blank goes before the next one */
};

void wire_out_init(struct wire_out *o, struct strbuf *b);
void wire_put_word(struct wire_out *o, struct str word);
void wire_put_uuid(struct wire_out *o, struct uuid id);
void wire_put_i64(struct wire_out *o, int64_t v, int64_t max); /* brought into 0..max */

struct wire_in {
	struct str rest;
	bool is_ended; /* the last word was taken */
	bool is_bad;
};

void wire_in_init(struct wire_in *in, struct str text);
struct str wire_get_word(struct wire_in *in);          /* empty when faulty */
struct uuid wire_get_uuid(struct wire_in *in);         /* nil when faulty */
int64_t wire_get_i64(struct wire_in *in, int64_t max); /* 0..max; 0 when faulty */
/* True when every get succeeded and nothing is left. */
bool wire_in_is_done(const struct wire_in *in);

#endif
