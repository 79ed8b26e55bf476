/* A set of attempt ids, each marked sent or void, at eight bytes an id: what is kept is a 63-bit
 * digest. Two of a million ids share one with a chance of one in ten million, and then the dialer
 * takes a new attempt for an old one and does not dial: the mistake never rings a phone. */
#ifndef BELFRY_DIAL_ID_SET_H
#define BELFRY_DIAL_ID_SET_H

#include "base/uuid.h"

enum id_mark { ID_MARK_NONE = 0, ID_MARK_SENT, ID_MARK_VOID };

struct id_set {
	uint64_t *slots; /* digest with the mark in the lowest bit; 0 = empty */
	size_t n, cap;
	usec_t newest_at; /* the latest instant inside an id of the set */
};

void id_set_init(struct id_set *s);
void id_set_deinit(struct id_set *s);
/* The first mark of an id stays. */
void id_set_add(struct id_set *s, struct uuid id, enum id_mark mark);
enum id_mark id_set_get(const struct id_set *s, struct uuid id);

#endif
