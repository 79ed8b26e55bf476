/* One input, many short texts: what stands between quotation marks and line ends. So the golden
 * cases of proto/vectors are inputs as they are, and a mutation touches one case among others. */
#ifndef BELFRY_TESTS_PIECES_H
#define BELFRY_TESTS_PIECES_H

#include "base/str.h"

static inline bool next_piece(struct str *rest, struct str *out)
{
	size_t n = 0;
	if (!rest->p)
		return false;
	while (n < rest->n && rest->p[n] != '"' && rest->p[n] != '\n')
		n++;
	*out = (struct str){ rest->p, n };
	*rest = n < rest->n ? (struct str){ rest->p + n + 1, rest->n - n - 1 } : STR_NONE;
	return true;
}

#endif
