/* Whatever reads as an instant prints as one that reads the same, to the millisecond. */
#include "base/timefmt.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, text;
	while (next_piece(&rest, &text)) {
		usec_t at = -1, again = -1;
		char printed[TIMEFMT_SIZE];
		if (is_err(timefmt_parse(text, &at)))
			continue;
		ASSERT(at >= 0 && text.n >= 20);
		timefmt_rfc3339(at, printed);
		struct err e = timefmt_parse(str_from(printed), &again);
		ASSERT(!is_err(e) && again == at - at % USEC_PER_MS);
	}
	return 0;
}
