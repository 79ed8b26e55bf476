/* Server-Sent Events, piece by piece as they come. Pure. */
#ifndef BELFRY_CLI_SSE_H
#define BELFRY_CLI_SSE_H

#include "base/err.h"
#include "base/str.h"

#define SSE_LINE_MAX ((size_t)256 * 1024)
#define SSE_ID_SIZE 128

struct sse_event {
	struct str type, data; /* borrowed until the callback returns */
};

typedef void (*sse_event_fn)(const struct sse_event *e, void *arg);

struct sse {
	struct strbuf line, data;
	char type[64];
	char id[SSE_ID_SIZE]; /* the last one seen; it outlives a reset of the connection */
	sse_event_fn fn;
	void *arg;
};

void sse_init(struct sse *s, sse_event_fn fn, void *arg);
void sse_deinit(struct sse *s);
/* Another connection: what was half there is forgotten. */
void sse_reset(struct sse *s);
/* ERR_TOO_LARGE over a line's, or an event's, 256 KiB. */
struct err sse_feed(struct sse *s, struct str piece) MUST_USE;

#endif
