/* A cursor that decodes is the one that its key encodes to, and no other filters take it. */
#include <string.h>

#include "domain/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct uuid key, other;
	uint64_t filters = cursor_filters_add(cursor_filters(), text);
	char made[CURSOR_TEXT_SIZE];

	/* The filters 0 are what a text of zeros claims; an input can aim at them. */
	if (!is_err(cursor_decode(text, 0, &key))) {
		ASSERT(str_eq(str_from(cursor_encode(0, key, made)), text));
		ASSERT(filters == 0 || cursor_decode(text, filters, &other).code == ERR_CONFLICT);
	}
	if (size >= sizeof(key.b)) {
		memcpy(key.b, data, sizeof(key.b));
		ASSERT(!is_err(cursor_decode(str_from(cursor_encode(filters, key, made)), filters,
					     &other)));
		ASSERT(uuid_eq(key, other));
	}
	return 0;
}
