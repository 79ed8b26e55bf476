/* libre on our event loop. The library's own loop is replaced by defining, in this program, the four
 * functions through which libre watches descriptors and sets timers (fd_listen, fd_close, tmr_start,
 * tmr_cancel): its calls go through the PLT, so these definitions win. That also replaces its list of
 * timers, which costs O(n) a timer. A fifth, re_fprintf, keeps it from writing to stderr what strangers
 * send. Checked when it opens: another libre, or one linked so that its
 * calls stay inside, is an error instead of a dialer that never hears an answer. */
#ifndef DIALER_SIP_RE_LOOP_H
#define DIALER_SIP_RE_LOOP_H

#include "base/err.h"
#include "loop/loop.h"

/* Once in a process; the loop is borrowed until re_loop_close(). */
struct err re_loop_open(struct loop *l) MUST_USE;
void re_loop_close(void);

#endif
