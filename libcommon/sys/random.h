/* The only place where randomness is read (getrandom). */
#ifndef BELFRY_SYS_RANDOM_H
#define BELFRY_SYS_RANDOM_H

#include "base/uuid.h"

void random_bytes(void *p, size_t n);
uint64_t random_u64(void);         /* fast generator seeded from the system; not for secrets */
double random_unit(void);          /* [0, 1); not for secrets */
struct uuid random_id(usec_t now); /* a fresh UUIDv7; buffered, cheap */

#endif
