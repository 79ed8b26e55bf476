/* See http_peer.h. */
#include "http_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/mem.h"

#define GOT_MAX ((size_t)64 * 1024 * 1024)
#define GIVE_UP_US (10 * USEC_PER_SEC)

static void on_readable(int fd, short what, void *arg)
{
	static char buffer[256 * 1024];
	struct http_peer *p = arg;
	(void)what;
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
	if (n > 0) {
		strbuf_add_bytes(&p->got, buffer, (size_t)n);
		assert_false(strbuf_overflowed(&p->got));
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		p->is_reset = n < 0;
		p->is_closed = true;
		event_del(p->readable);
	}
	loop_stop(p->loop);
}

static void on_writable(int fd, short what, void *arg)
{
	struct http_peer *p = arg;
	(void)what;
	ssize_t n = send(fd, p->out.p + p->out_at, p->out.n - p->out_at, MSG_NOSIGNAL);
	if (n > 0)
		p->out_at += (size_t)n;
	bool is_lost = n < 0 && errno != EAGAIN && errno != EINTR;
	if (is_lost || p->out_at == p->out.n) {
		strbuf_reset(&p->out);
		p->out_at = 0;
		event_del(p->writable);
		loop_stop(p->loop);
	}
}

struct http_peer *peer_adopt(struct loop *l, int fd)
{
	struct http_peer *p = xcalloc(1, sizeof(*p));
	p->loop = l;
	p->fd = fd;
	assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)), 0);
	strbuf_init(&p->got, GOT_MAX);
	strbuf_init(&p->out, GOT_MAX);
	p->readable = event_new(loop_base(l), fd, EV_READ | EV_PERSIST, on_readable, p);
	p->writable = event_new(loop_base(l), fd, EV_WRITE | EV_PERSIST, on_writable, p);
	event_add(p->readable, NULL);
	return p;
}

struct http_peer *peer_connect(struct loop *l, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	/* the kernel accepts for a listener: this does not need the loop to run */
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return peer_adopt(l, fd);
}

void peer_free(struct http_peer *p)
{
	if (!p)
		return;
	event_free(p->readable);
	event_free(p->writable);
	if (p->fd >= 0)
		close(p->fd);
	strbuf_deinit(&p->got);
	strbuf_deinit(&p->out);
	free(p);
}

void peer_send(struct http_peer *p, struct str bytes)
{
	strbuf_add(&p->out, bytes);
	event_add(p->writable, NULL);
}

void peer_say(struct http_peer *p, const char *text)
{
	peer_send(p, str_from(text));
}

void peer_stop_reading(struct http_peer *p)
{
	event_del(p->readable);
}

void peer_go_on_reading(struct http_peer *p)
{
	event_add(p->readable, NULL);
}

void peer_shutdown(struct http_peer *p)
{
	assert_int_equal(shutdown(p->fd, SHUT_WR), 0);
}

void peer_reset(struct http_peer *p)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	event_del(p->readable);
	event_del(p->writable);
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(p->fd);
	p->fd = -1;
}

static void give_up(void *arg)
{
	(void)arg;
	fail_msg("the test waited for something that did not come");
}

void until(struct loop *l, bool (*holds)(void *arg), void *arg)
{
	struct timer *t = timer_new(l, give_up, NULL);
	timer_start(t, GIVE_UP_US);
	while (!holds(arg))
		assert_int_equal(loop_run(l), 0);
	timer_free(t);
}

struct wanted {
	const struct http_peer *peer;
	const char *text;
};

static bool has_text(void *arg)
{
	const struct wanted *w = arg;
	return str_has(strbuf_str(&w->peer->got), w->text);
}

void until_got(struct http_peer *p, const char *text)
{
	until(p->loop, has_text, &(struct wanted){ p, text });
}

static bool is_closed(void *arg)
{
	const struct http_peer *p = arg;
	return p->is_closed;
}

void until_closed(struct http_peer *p)
{
	until(p->loop, is_closed, p);
}

struct pause {
	struct loop *loop;
	bool is_over;
};

static void end_pause(void *arg)
{
	struct pause *p = arg;
	p->is_over = true;
	loop_stop(p->loop);
}

static bool is_over(void *arg)
{
	const struct pause *p = arg;
	return p->is_over;
}

void run_for(struct loop *l, usec_t us)
{
	struct pause p = { .loop = l };
	struct timer *t = timer_new(l, end_pause, &p);
	timer_start(t, us);
	until(l, is_over, &p);
	timer_free(t);
}

bool str_has(struct str s, const char *text)
{
	return s.n && memmem(s.p, s.n, text, strlen(text)) != NULL;
}

size_t peer_count(const struct http_peer *p, const char *text)
{
	struct str s = strbuf_str(&p->got);
	size_t n = 0, size = strlen(text);
	const char *at;
	while (s.n && (at = memmem(s.p, s.n, text, size)) != NULL) {
		n++;
		s.n -= (size_t)(at - s.p) + size;
		s.p = at + size;
	}
	return n;
}
