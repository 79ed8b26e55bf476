/* An id has one text: what reads prints as it was, and no text is an id of two kinds. */
#include "base/uuid.h"
#include "pieces.h"

static void try_text(struct str text)
{
	struct uuid id;
	int kinds = 0;
	for (int k = 0; k < ID_KIND_COUNT; k++) {
		char printed[ID_TEXT_SIZE];
		if (is_err(id_parse((enum id_kind)k, text, &id)))
			continue;
		kinds++;
		ASSERT(str_eq(text, str_from(id_format((enum id_kind)k, id, printed))));
	}
	ASSERT(kinds <= 1);
	if (!is_err(uuid_parse(text, &id))) {
		char printed[UUID_TEXT_SIZE];
		ASSERT(str_eq_nocase(text, str_from(uuid_format(id, printed))));
	}
}

/* Any 16 bytes survive both texts. */
static void try_bytes(const uint8_t *data)
{
	struct uuid id, again = UUID_NIL;
	char text[ID_TEXT_SIZE], hex[UUID_TEXT_SIZE];
	for (size_t i = 0; i < sizeof(id.b); i++)
		id.b[i] = data[i];
	struct err e = id_parse(ID_CALL, str_from(id_format(ID_CALL, id, text)), &again);
	ASSERT(!is_err(e) && uuid_eq(id, again));
	e = uuid_parse(str_from(uuid_format(id, hex)), &again);
	ASSERT(!is_err(e) && uuid_eq(id, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, text;
	while (next_piece(&rest, &text))
		try_text(text);
	for (size_t at = 0; at + 16 <= size; at += 16)
		try_bytes(data + at);
	return 0;
}
