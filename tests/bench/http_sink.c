/* A webhook receiver for benchmarks: answers 200 to everything at once and counts.
 *
 *   http_sink --port-file FILE [--log FILE]
 *
 * Writes its port to FILE once it listens (to a temporary name first, so that a reader never sees
 * half). With --log, one JSON line per request: when it was complete, webhook-id, belfry-delivery,
 * belfry-attempt. Each SIGUSR1, and the SIGTERM that ends it, prints the counts to stdout as
 * `requests=N bytes=N connections=N errors=N` after everything that was logged is in the file. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "sys/clock.h"

#define REQUEST_MAX ((size_t)256 * 1024)
#define EVENTS_MAX 256
#define LOG_BUFFER ((size_t)1024 * 1024)

struct sink {
	int epoll, listener, signals;
	FILE *log;
	int64_t requests, bytes, connections, errors;
};

struct peer {
	int fd;
	struct strbuf in;
};

/* Only so that an event says what it is about. */
static int listener_tag, signal_tag;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void watch(struct sink *s, int fd, void *tag)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = tag };
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		die("epoll_ctl");
}

static void open_listener(struct sink *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(s->listener, 4096) != 0)
		die("listen");
	watch(s, s->listener, &listener_tag);
}

static void open_signals(struct sink *s)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		die("sigprocmask");
	s->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (s->signals < 0)
		die("signalfd");
	watch(s, s->signals, &signal_tag);
}

static void write_port(const struct sink *s, const char *path)
{
	struct sockaddr_in at;
	socklen_t size = sizeof(at);
	struct strbuf name;
	if (getsockname(s->listener, (struct sockaddr *)&at, &size) != 0)
		die("getsockname");
	strbuf_init(&name, 4096);
	strbuf_addf(&name, "%s.new", path);
	FILE *f = fopen(name.p, "w");
	if (!f || fprintf(f, "%d\n", ntohs(at.sin_port)) < 0 || fclose(f) != 0 ||
	    rename(name.p, path) != 0)
		die(path);
	strbuf_deinit(&name);
}

/* The value of a header of the block, or an empty text. */
static struct str header(struct str block, struct str name)
{
	struct str line, key, value;
	while (block.n) {
		(void)str_split(block, '\n', &line, &block); /* the last line may be a rest */
		if (str_split(line, ':', &key, &value) && str_eq_nocase(key, name)) {
			if (value.n && value.p[value.n - 1] == '\r')
				value.n--;
			return str_trim(value);
		}
	}
	return STR("");
}

static void log_request(const struct sink *s, struct str block)
{
	if (!s->log)
		return;
	struct str id = header(block, STR("webhook-id"));
	struct str delivery = header(block, STR("belfry-delivery"));
	struct str attempt = header(block, STR("belfry-attempt"));
	if (fprintf(s->log,
		    "{\"at_us\":%" PRId64 ",\"webhook_id\":\"%.*s\",\"delivery\":\"%.*s\","
		    "\"attempt\":\"%.*s\"}\n",
		    clock_now(), STR_ARG(id), STR_ARG(delivery), STR_ARG(attempt)) < 0)
		die("log");
}

static void close_peer(struct peer *p)
{
	(void)close(p->fd);
	strbuf_deinit(&p->in);
	free(p);
}

/* The size of the request at the beginning of the input, 0 when it is not whole, -1 when it is
 * none. */
static ssize_t request_size(struct str in, struct str *block)
{
	const char *end = in.n ? memmem(in.p, in.n, "\r\n\r\n", 4) : NULL;
	int64_t length = 0;
	if (!end)
		return 0;
	*block = (struct str){ in.p, (size_t)(end - in.p) + 4 };
	struct str text = header(*block, STR("content-length"));
	if (text.n && is_err(parse_i64(text, 0, (int64_t)REQUEST_MAX, &length)))
		return -1;
	size_t size = block->n + (size_t)length;
	return size <= in.n ? (ssize_t)size : 0;
}

/* False when the peer is to be closed: it broke, or it asked for that with its request. */
static bool answer(struct sink *s, struct peer *p)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct str block;
	ssize_t size;
	bool is_last = false;
	while ((size = request_size(strbuf_str(&p->in), &block)) > 0) {
		s->requests++;
		s->bytes += size;
		log_request(s, block);
		is_last = str_eq_nocase(header(block, STR("connection")), STR("close"));
		if (send(p->fd, ok, sizeof(ok) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(ok) - 1) {
			s->errors++;
			return false;
		}
		p->in.n -= (size_t)size;
		memmove(p->in.p, p->in.p + size, p->in.n);
	}
	return size == 0 && !is_last;
}

static void on_peer(struct sink *s, struct peer *p)
{
	static char buffer[64 * 1024];
	ssize_t n = recv(p->fd, buffer, sizeof(buffer), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		strbuf_add_bytes(&p->in, buffer, (size_t)n);
	bool is_open = n > 0 && !strbuf_overflowed(&p->in) && answer(s, p);
	if (is_open)
		return;
	if (n < 0 || p->in.n)
		s->errors++;
	close_peer(p);
}

static void on_listener(struct sink *s)
{
	int fd;
	while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct peer *p = xcalloc(1, sizeof(*p));
		p->fd = fd;
		strbuf_init(&p->in, REQUEST_MAX + 64 * 1024);
		s->connections++;
		watch(s, fd, p);
		on_peer(s, p); /* the request is often there already */
	}
}

/* False when it was the last one. */
static bool on_signal(const struct sink *s)
{
	struct signalfd_siginfo info;
	if (read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		die("signalfd");
	if (s->log && fflush(s->log) != 0)
		die("log");
	printf("requests=%" PRId64 " bytes=%" PRId64 " connections=%" PRId64 " errors=%" PRId64
	       "\n",
	       s->requests, s->bytes, s->connections, s->errors);
	(void)fflush(stdout); /* nobody listens: nothing to be done */
	return info.ssi_signo == SIGUSR1;
}

static void serve(struct sink *s)
{
	struct epoll_event events[EVENTS_MAX];
	for (;;) {
		int n = epoll_wait(s->epoll, events, EVENTS_MAX, -1);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			void *tag = events[i].data.ptr;
			if (tag == &signal_tag) {
				if (!on_signal(s))
					return;
			} else if (tag == &listener_tag) {
				on_listener(s);
			} else {
				on_peer(s, tag);
			}
		}
	}
}

int main(int argc, char **argv)
{
	struct sink s = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
	const char *port_file = NULL, *log_file = NULL;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--port-file") == 0)
			port_file = argv[i + 1];
		else if (strcmp(argv[i], "--log") == 0)
			log_file = argv[i + 1];
	}
	if (!port_file) {
		fputs("usage: http_sink --port-file FILE [--log FILE]\n", stderr);
		return 2;
	}
	if (log_file) {
		s.log = fopen(log_file, "a");
		if (!s.log || setvbuf(s.log, NULL, _IOFBF, LOG_BUFFER) != 0)
			die(log_file);
	}
	open_listener(&s);
	open_signals(&s);
	write_port(&s, port_file);
	serve(&s);
	return s.log && fclose(s.log) != 0;
}
