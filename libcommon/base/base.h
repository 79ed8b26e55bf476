/* The few words every file speaks: instants, attributes, scope release, assertions, sizes.
 * Nothing here allocates or does I/O. */
#ifndef BELFRY_BASE_BASE_H
#define BELFRY_BASE_BASE_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BELFRY_VERSION "0.1.0" /* what --version and the health routes tell */

/* Microseconds. An instant is UTC since 1970; a name with mono_ in it runs on the monotonic
 * clock instead and is never stored, sent or compared with wall time. */
typedef int64_t usec_t;

#define USEC_PER_MS ((usec_t)1000)
#define USEC_PER_SEC ((usec_t)1000000)
#define USEC_NEVER INT64_MAX

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct that embeds `member` at `ptr`. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* States what only a bug can break. Stays on in release builds and aborts. Never for input. */
#define ASSERT(cond) ((cond) ? (void)0 : assert_failed(#cond, __FILE__, __LINE__))
void assert_failed(const char *cond, const char *file, int line) NORETURN;

/* out = a op b; false and *out untouched when the true result does not fit. */
#define add_checked(a, b, out) (!__builtin_add_overflow((a), (b), (out)))
#define mul_checked(a, b, out) (!__builtin_mul_overflow((a), (b), (out)))

static inline int64_t min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t max_i64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

#endif
