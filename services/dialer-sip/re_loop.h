/* libre on our event loop. The library's own loop is replaced by defining, in this program, the four
 * functions through which libre watches descriptors and sets timers (fd_listen, fd_close, tmr_start,
 * tmr_cancel): its calls go through the PLT, so these definitions win. That also replaces its list of
 * timers, which costs O(n) a timer. Others keep it from writing to stderr what strangers send
 * (re_fprintf), bound the connections that strangers open (tcp_accept), and tell how many servers a name
 * has (dns_rrlist_sort, dns_rrlist_sort_addr). Checked when it opens: another libre, or one linked so
 * that its calls stay inside, is an error instead of a dialer that never hears an answer.
 *
 * Of inbound connections there are at most RE_INBOUND_MAX, of one address RE_INBOUND_OF_ONE_MAX; more
 * are closed at once. One that says nothing whole within 32 s is closed by libre, one that is silent for
 * RE_INBOUND_IDLE_US here. */
#ifndef DIALER_SIP_RE_LOOP_H
#define DIALER_SIP_RE_LOOP_H

#include "base/err.h"
#include "loop/loop.h"

#define RE_INBOUND_MAX 1024
#define RE_INBOUND_OF_ONE_MAX 64
#define RE_INBOUND_IDLE_US (120 * USEC_PER_SEC)

/* Once in a process; the loop is borrowed until re_loop_close(). */
struct err re_loop_open(struct loop *l) MUST_USE;
void re_loop_close(void);

/* DNS has found so many servers (SRV) of a name, or addresses of a server, for the request whose argument
 * is `key`; they are about to be tried in order. */
typedef void (*re_servers_fn)(size_t key, bool is_srv, size_t n, void *arg);
void re_loop_on_servers(re_servers_fn fn, void *arg);
/* The next timer of the running callback that is set to `delay_ms` is set to `to_ms` instead. So a
 * transaction, which libre gives 32 s, can be given less in the handler before it is sent. */
void re_loop_shorten_next(uint64_t delay_ms, uint64_t to_ms);

#endif
