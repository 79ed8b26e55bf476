/* A traceparent that is taken is written again as it was, its span and later versions' rest aside. */
#include <string.h>

#include "wire/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace t, again;
	char header[TRACEPARENT_SIZE];
	struct uuid span = { { [15] = 1 } };

	if (!trace_parse((struct str){ (const char *)data, size }, &t))
		return 0;
	ASSERT(trace_parse(str_from(trace_format(t, span, header)), &again));
	ASSERT(uuid_eq(t.id, again.id) && t.flags == again.flags);
	return 0;
}
