/* What an ASSERT does when it fails. libc's own __assert_fail is borrowed for it: it writes the
 * message and aborts, so that this floor imports no I/O of its own. */
#include "base/base.h"

#include <assert.h>

void assert_failed(const char *cond, const char *file, int line)
{
	__assert_fail(cond, file, (unsigned)line, "ASSERT");
}
