/* The kernel's generator, a page at a time for ids (one per call would be a system call per row), and SplitMix64
 * for what is no secret. The state is the process's own, like the kernel's pool behind it; a
 * process of Belfry has one thread and does not fork after its start. */
#include "sys/random.h"

#include <string.h>

#include <unistd.h>

#define TAIL_SIZE 10

static struct {
	uint8_t page[1000];
	size_t left;
	uint64_t fast;
	bool is_fast_seeded;
	usec_t last_ms;
	uint8_t last_tail[TAIL_SIZE];
} state;

void random_bytes(void *p, size_t n)
{
	uint8_t *to = p;
	while (n > 0) {
		/* getentropy is getrandom that is never cut short or interrupted, up to 256 bytes */
		size_t part = min_size(n, 256);
		int rc = getentropy(to, part);
		ASSERT(rc == 0);
		to += part;
		n -= part;
	}
}

uint64_t random_u64(void)
{
	if (!state.is_fast_seeded) {
		random_bytes(&state.fast, sizeof(state.fast));
		state.is_fast_seeded = true;
	}
	uint64_t z = state.fast += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

double random_unit(void)
{
	return (double)(random_u64() >> 11) * 0x1.0p-53;
}

static const uint8_t *page_take(size_t n)
{
	if (state.left < n) {
		random_bytes(state.page, sizeof(state.page));
		state.left = sizeof(state.page);
	}
	state.left -= n;
	return state.page + state.left;
}

/* tail += 1 + 32 random bits, big-endian over the 56 bits that a UUIDv7 keeps whole. */
static void advance_tail(uint8_t tail[TAIL_SIZE])
{
	uint32_t step;
	memcpy(&step, page_take(sizeof(step)), sizeof(step));
	uint64_t carry = (uint64_t)step + 1;
	for (size_t i = TAIL_SIZE - 1; i >= 3; i--) {
		carry += tail[i];
		tail[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

struct uuid random_id(usec_t now)
{
	/* Within a millisecond ids rise, so that rows made together keep their order and land on
	 * one page of an index (RFC 9562, 6.2, method 2). The cleared top bit leaves room for
	 * 2^23 steps before the 56 bits could wrap. */
	if (now / USEC_PER_MS == state.last_ms) {
		advance_tail(state.last_tail);
	} else {
		memcpy(state.last_tail, page_take(TAIL_SIZE), TAIL_SIZE);
		state.last_tail[3] &= 0x7f;
		state.last_ms = now / USEC_PER_MS;
	}
	return uuid_v7(now, state.last_tail);
}
