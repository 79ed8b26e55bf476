/* Any bytes as a message of the dialer protocol: whatever is read must be written so that it reads
 * back as the same text. */
#include <stdint.h>

#include "wire/dialer_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_op(struct str text, struct arena *a, struct strbuf *once, struct strbuf *twice)
{
	struct dialer_op op;

	if (is_err(dialer_op_decode(text, a, &op)))
		return;
	dialer_op_encode(&op, once);
	/* Escapes may make the text longer than a message may be. */
	if (once->n > DIALER_MSG_MAX)
		return;
	ASSERT(!is_err(dialer_op_decode(strbuf_str(once), a, &op)));
	dialer_op_encode(&op, twice);
	ASSERT(str_eq(strbuf_str(once), strbuf_str(twice)));
}

static void try_event(struct str text, struct arena *a, struct strbuf *once, struct strbuf *twice)
{
	struct dialer_event ev;

	if (is_err(dialer_event_decode(text, a, &ev)))
		return;
	dialer_event_encode(&ev, once);
	if (once->n > DIALER_MSG_MAX)
		return;
	ASSERT(!is_err(dialer_event_decode(strbuf_str(once), a, &ev)));
	dialer_event_encode(&ev, twice);
	ASSERT(str_eq(strbuf_str(once), strbuf_str(twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena *a = arena_new();
	struct strbuf once, twice;

	strbuf_init(&once, 8 * DIALER_MSG_MAX);
	strbuf_init(&twice, 8 * DIALER_MSG_MAX);
	try_op(text, a, &once, &twice);
	strbuf_reset(&once);
	strbuf_reset(&twice);
	try_event(text, a, &once, &twice);
	strbuf_deinit(&once);
	strbuf_deinit(&twice);
	arena_free(a);
	return 0;
}
