/* W3C Trace Context: which trace a request, a call, a dial and a webhook belong to.
 *
 *   traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *                version, trace, span, flags
 *
 * An ad hoc call belongs to the trace of the request that made it; each call of a campaign is a trace
 * of its own, whose id is the call's. Spans are named by what they are: the last eight bytes, random
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

/* True for a valid header. Of a version that is not known what this one says is taken, as the
 * specification has it. */
bool trace_parse(struct str header, struct trace *out);
/* The header for that span; returns out. */
char *trace_format(struct trace t, struct uuid span, char out[TRACEPARENT_SIZE]);
/* The trace's id alone, as logs show it; returns out. */
char *trace_text(struct uuid id, char out[TRACE_TEXT_SIZE]);

#endif
