/* A time zone's rules, from the bytes of a TZif file (RFC 9636, versions 1 to 4). Who reads the file
 * is sys/zoneinfo.h. What counts is the offset from UTC alone: transitions that do not change it are
 * merged away, isdst and abbreviations are ignored. After the last transition the rule of the file's
 * footer holds, without end.
 *
 * Seconds, not microseconds, are the unit of zones: of the file and of local time. */
#ifndef BELFRY_DOMAIN_ZONE_H
#define BELFRY_DOMAIN_ZONE_H

#include "base/err.h"
#include "base/str.h"

#define ZONE_FILE_MAX ((size_t)64 * 1024) /* bytes; the greatest of tzdata has below 4 KB */

/* Earlier and later transitions than any usec_t can hold are not told from these. */
#define ZONE_FIRST_S (-INT64_C(9300000000000))
#define ZONE_LAST_S INT64_C(9300000000000)

struct zone;

/* A time with one offset: from start_s (or ZONE_FIRST_S) to before end_s (or ZONE_LAST_S). */
struct zone_segment {
	int64_t start_s, end_s;
	int32_t offset_s; /* local time is UTC plus this; within 26 hours */
	int32_t before_s; /* the offset just before start_s; of the first segment, its own */
};

/* ERR_INVALID when the bytes are no well-formed TZif, or one that counts leap seconds (the tree
 * right/); ERR_TOO_LARGE beyond ZONE_FILE_MAX. Nothing of `bytes` is kept. The zone takes less than
 * twice the file's size and 8 KB. */
struct err zone_read(struct str bytes, struct zone **out) MUST_USE;
void zone_free(struct zone *z);

/* The segment that holds an instant. zone_segment_at(z, s.end_s, ...) goes on to the next one. Two
 * neighbours may have the same offset where a footer's rule takes the place of the table. */
void zone_segment_at(const struct zone *z, int64_t at_s, struct zone_segment *out);
int32_t zone_offset_s(const struct zone *z, usec_t at);

#endif
