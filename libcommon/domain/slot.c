/* Slots up to 2^37 fit 64 bits at any rate: slot * 60,000,000 stays below 2^63. */
#include "domain/slot.h"

usec_t slot_offset(int64_t slot, int64_t rate_per_min)
{
	ASSERT(slot >= 0 && rate_per_min > 0);
	return slot * 60000 / rate_per_min * USEC_PER_MS;
}

int64_t slot_after(usec_t offset, int64_t rate_per_min)
{
	if (offset < 0)
		return 0;
	/* floor(s * 60000 / rate) > ms  <=>  s * 60000 >= (ms + 1) * rate */
	int64_t ms = offset / USEC_PER_MS;
	return ((ms + 1) * rate_per_min + 59999) / 60000;
}
