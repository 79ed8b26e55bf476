/* W3C Trace Context: which trace a request, a call, a dial and a webhook belong to.
 *
 *   traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *                version, trace, span, flags
 *
 *   tracestate: belfry=4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7
 *
 * An ad hoc call belongs to the trace of the request that made it, and a tracestate that came along
 * goes along. Each call of a campaign is a trace of its own, whose id is the call's: one trace of
 * 100,000 calls would serve nobody. Its tracestate links it to the request that started the campaign:
 * that one's trace and span. Spans are named by what they are: the last eight bytes, random
 * ones, of the id of the request, the attempt or the delivery. */
#ifndef BELFRY_WIRE_TRACE_H
#define BELFRY_WIRE_TRACE_H

#include "base/uuid.h"

struct trace {
	struct uuid id;
	uint8_t flags; /* 1 = sampled */
};

#define TRACEPARENT_SIZE 56
#define TRACE_TEXT_SIZE 33
#define TRACESTATE_MAX 512 /* bytes; a longer one is not taken */
#define TRACE_LINK_SIZE 57

/* True for a valid header. Of a version that is not known what this one says is taken, as the
 * specification has it. */
bool trace_parse(struct str header, struct trace *out);
/* The header for that span; returns out. */
char *trace_format(struct trace t, struct uuid span, char out[TRACEPARENT_SIZE]);
/* The trace's id alone, as logs show it; returns out. */
char *trace_text(struct uuid id, char out[TRACE_TEXT_SIZE]);
/* True for a tracestate that may be passed on: at most 32 members, keys and values of the allowed
 * characters, no key twice, one member at least. */
bool trace_state_is_valid(struct str header);
/* A tracestate that names that span of that trace; returns out. */
char *trace_link(struct uuid trace_id, struct uuid span, char out[TRACE_LINK_SIZE]);

#endif
