/* The only place where time is read. */
#ifndef BELFRY_SYS_CLOCK_H
#define BELFRY_SYS_CLOCK_H

#include "base/base.h"

usec_t clock_now(void);  /* wall, UTC */
usec_t clock_mono(void); /* CLOCK_MONOTONIC */

#endif
