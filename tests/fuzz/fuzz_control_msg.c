/* What a control message decodes from is what it encodes to, byte for byte: there is one form. */
#include "base/str.h"
#include "wire/control_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct control_msg e;
	if (is_err(control_msg_decode(text, &e)))
		return 0;
	struct strbuf b;
	strbuf_init(&b, 1024);
	control_msg_encode(&e, &b);
	ASSERT(str_eq(strbuf_str(&b), text));
	strbuf_deinit(&b);
	return 0;
}
