/* A traceparent that is taken is written again as it was, its span and later versions' rest aside.
 * A tracestate that is taken can stand in a header. */
#include <string.h>

#include "wire/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace t, again;
	char header[TRACEPARENT_SIZE];
	struct uuid span = { { [15] = 1 } };

	struct str text = { (const char *)data, size };

	if (trace_state_is_valid(text)) {
		ASSERT(size > 2 && size <= TRACESTATE_MAX && memchr(data, '=', size) != NULL);
		for (size_t i = 0; i < size; i++)
			ASSERT((data[i] >= ' ' && data[i] <= '~') || data[i] == '\t');
	}
	if (!trace_parse(text, &t))
		return 0;
	ASSERT(trace_parse(str_from(trace_format(t, span, header)), &again));
	ASSERT(uuid_eq(t.id, again.id) && t.flags == again.flags);
	return 0;
}
