/* What a due entry decodes from is what it encodes to, byte for byte: there is one form. */
#include "base/str.h"
#include "wire/due_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct due_entry e;
	if (is_err(due_entry_decode(text, &e)))
		return 0;
	struct strbuf b;
	strbuf_init(&b, 1024);
	due_entry_encode(&e, &b);
	ASSERT(str_eq(strbuf_str(&b), text));
	strbuf_deinit(&b);
	return 0;
}
