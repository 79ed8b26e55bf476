/* The words of the dialer protocol, for dialer_msg_decode.c and dialer_msg_encode.c: each table is
 * indexed by the enum of dialer_msg.h and gives the word on the wire. Pure. */
#ifndef BELFRY_WIRE_DIALER_WORDS_H
#define BELFRY_WIRE_DIALER_WORDS_H

#include "wire/dialer_msg.h"

extern const char *const dialer_op_words[DIALER_OP_KIND_COUNT];
extern const char *const dialer_event_words[DIALER_EVENT_KIND_COUNT];
extern const char *const dialer_state_words[DIALER_STATE_COUNT];
extern const char *const dialer_by_words[DIALER_BY_COUNT]; /* DIALER_BY_NONE has none: NULL */
extern const char *const dialer_trunk_words[DIALER_TRUNK_STATE_COUNT];

/* Capabilities are bits, so they have no place of their own in a table. */
#define DIALER_CAP_COUNT 5
struct dialer_cap_word {
	const char *name;
	enum dialer_cap cap;
};
extern const struct dialer_cap_word dialer_cap_words[DIALER_CAP_COUNT];

/* The place of `word` among the n of a table; n when it is none of them. */
size_t dialer_word_find(struct str word, const char *const *table, size_t n);

#endif
