/* Phone numbers as they are written inside a country, made E.164: where a list of numbers comes
 * without plus signs, the region says what they mean. A matter of form, not of numbering plans: the
 * table knows a country's code, the digit dialed before a national number, and how many digits such
 * a number may have. */
#ifndef BELFRY_DOMAIN_REGION_H
#define BELFRY_DOMAIN_REGION_H

#include "base/str.h"

#define REGION_E164_SIZE 17 /* '+', 15 digits, NUL */

struct region;

/* By its ISO 3166 code, in capitals ("IN"); NULL when it is not known. */
const struct region *region_find(struct str code);
/* False when the number makes no E.164 one. Blanks, hyphens, dots, slashes and parentheses are
 * dropped; what begins with a plus sign or the region's international prefix is international;
 * otherwise it is national, with the prefix dialed before it or without; otherwise, when it begins
 * with the region's code and would be too long for a national one, it is international. */
bool region_to_e164(const struct region *region, struct str number, char out[REGION_E164_SIZE]);

#endif
