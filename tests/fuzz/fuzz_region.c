/* Whatever is written down as a phone number, what comes out is E.164 by its form, and is taken for
 * itself when it comes in again. */
#include <string.h>

#include "base/parse.h"
#include "domain/region.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char made[REGION_E164_SIZE], again[REGION_E164_SIZE];
	if (size < 2)
		return 0;
	struct str code = { (const char *)data, 2 };
	struct str number = { (const char *)data + 2, size - 2 };
	const struct region *region = region_find(code);
	if (region == NULL)
		region = region_find(STR("IN"));
	ASSERT(region != NULL);
	if (!region_to_e164(region, number, made))
		return 0;
	ASSERT(parse_is_e164(str_from(made)));
	ASSERT(region_to_e164(region, str_from(made), again));
	ASSERT(strcmp(made, again) == 0);
	return 0;
}
