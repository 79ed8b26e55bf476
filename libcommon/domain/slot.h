/* Arithmetic of a bulk campaign's line: slot s is due s * 60 s / rate after the line's beginning,
 * in whole milliseconds, rounded down. The same as in the statements that plan and show. */
#ifndef BELFRY_DOMAIN_SLOT_H
#define BELFRY_DOMAIN_SLOT_H

#include "base/base.h"

/* Microseconds from the line's beginning to the slot's instant. rate_per_min > 0, slot >= 0. */
usec_t slot_offset(int64_t slot, int64_t rate_per_min);
/* The first slot whose offset is greater than `offset`; 0 for a negative one. */
int64_t slot_after(usec_t offset, int64_t rate_per_min);

#endif
