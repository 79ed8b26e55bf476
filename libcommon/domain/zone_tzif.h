/* The blocks of a TZif file, checked and looked into where they lie. A part of domain/zone.h. */
#ifndef BELFRY_DOMAIN_ZONE_TZIF_H
#define BELFRY_DOMAIN_ZONE_TZIF_H

#include "domain/zone.h"

/* Borrows the bytes. Of versions 2 and later this is the 64-bit block. */
struct tzif {
	const uint8_t *times, *indices, *types;
	size_t time_size;  /* 4 or 8 */
	size_t n;          /* transitions, in ascending order */
	struct str footer; /* without its newlines; empty if there is none */
};

struct err tzif_read(struct str bytes, struct tzif *out) MUST_USE;
int64_t tzif_time_s(const struct tzif *t, size_t i);
int32_t tzif_offset_s(const struct tzif *t, size_t i); /* from transition i on */
int32_t tzif_first_offset_s(const struct tzif *t);     /* before the first transition */

#endif
