/* Many clients of an HTTP server, each with one kept connection and one request at a time.
 *
 *   http_load PORT CONNECTIONS SECONDS REQUEST_FILE [FROM_ADDRESS [PAUSE_MS]]
 *
 * The file holds the bytes of a request; where it has ############ each request puts a number that no
 * other had. PAUSE_MS is between an answer and the next request of a connection. Answers need a
 * Content-Length. Ends with `requests=N failed=N wall_s=N cpu_s=N p50_us=N p99_us=N max_us=N`;
 * failed are those not answered 2xx. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "sys/clock.h"

#define MARK "############"
#define REQUEST_MAX 65536
#define SAMPLES_MAX 4000000

struct client {
	int fd;
	usec_t sent_at, next_at; /* next_at: when the pause is over; 0 = waiting for an answer */
	char in[REQUEST_MAX];
	size_t n;
};

struct load {
	char request[REQUEST_MAX];
	size_t size;
	char *mark;
	uint64_t next_number;
	int epoll, connections;
	struct client *clients;
	usec_t pause_us, until;
	uint32_t *samples;
	size_t n_samples;
	int64_t failed;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void read_request(struct load *l, const char *path)
{
	FILE *file = fopen(path, "r");
	if (file == NULL)
		die(path);
	l->size = fread(l->request, 1, sizeof(l->request) - 1, file);
	fclose(file);
	l->mark = strstr(l->request, MARK);
	l->next_number = (uint64_t)clock_now() % 1000000 * 1000000;
}

static void send_one(struct load *l, struct client *c)
{
	char number[sizeof(MARK)];
	if (l->mark != NULL) {
		(void)snprintf(number, sizeof(number), "%012" PRIu64,
			       l->next_number++ % UINT64_C(1000000000000)); /* 12 digits */
		memcpy(l->mark, number, strlen(MARK));
	}
	c->sent_at = clock_mono();
	c->next_at = 0;
	if (send(c->fd, l->request, l->size, MSG_NOSIGNAL) != (ssize_t)l->size)
		die("send");
}

static void open_client(struct load *l, struct client *c, int port, const char *from)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in self = { .sin_family = AF_INET };
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (from != NULL && (inet_pton(AF_INET, from, &self.sin_addr) != 1 ||
			     bind(c->fd, (struct sockaddr *)&self, sizeof(self)) != 0))
		die(from);
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect");
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
		die("epoll_ctl");
}

/* The size of the whole answer, 0 while its head is not there. */
static size_t answer_size(const struct client *c)
{
	const char *end = strstr(c->in, "\r\n\r\n"), *length = strstr(c->in, "Content-Length: ");
	int64_t n;
	if (end == NULL)
		return 0;
	if (length == NULL || length > end)
		die("an answer without Content-Length");
	length += strlen("Content-Length: ");
	struct str text = { length, strcspn(length, "\r") };
	if (is_err(parse_i64(text, 0, REQUEST_MAX, &n)))
		die("an answer's Content-Length");
	return (size_t)(end + 4 - c->in) + (size_t)n;
}

static void on_input(struct load *l, struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->n, sizeof(c->in) - 1 - c->n, 0);
	if (n <= 0)
		die("recv");
	c->n += (size_t)n;
	c->in[c->n] = '\0';
	size_t size = answer_size(c);
	if (size == 0 || c->n < size)
		return;
	usec_t now = clock_mono();
	if (c->in[9] != '2') {
		if (l->failed++ == 0)
			fprintf(stderr, "http_load: %s\n", c->in);
	}
	if (l->n_samples < SAMPLES_MAX)
		l->samples[l->n_samples++] = (uint32_t)(now - c->sent_at);
	c->n = 0;
	if (l->pause_us > 0)
		c->next_at = now + l->pause_us;
	else
		send_one(l, c);
}

static void run(struct load *l)
{
	struct epoll_event ready[256];
	usec_t now;
	while ((now = clock_mono()) < l->until) {
		int n = epoll_wait(l->epoll, ready, ARRAY_LEN(ready), l->pause_us > 0 ? 1 : 100);
		for (int i = 0; i < n; i++)
			on_input(l, ready[i].data.ptr);
		for (int i = 0; l->pause_us > 0 && i < l->connections; i++) {
			if (l->clients[i].next_at != 0 && l->clients[i].next_at <= now)
				send_one(l, &l->clients[i]);
		}
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x, y;
	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static void report(struct load *l, usec_t wall_us)
{
	struct rusage used;
	size_t n = l->n_samples;
	if (n == 0)
		die("no answer");
	qsort(l->samples, n, sizeof(*l->samples), by_value);
	(void)getrusage(RUSAGE_SELF, &used); /* its own: it cannot fail */
	double cpu_s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
	printf("requests=%zu failed=%" PRId64
	       " wall_s=%.3f cpu_s=%.3f p50_us=%u p99_us=%u max_us=%u\n",
	       n, l->failed, (double)wall_us / 1e6, cpu_s, l->samples[n / 2],
	       l->samples[n - 1 - n / 100], l->samples[n - 1]);
}

int main(int argc, char **argv)
{
	static struct load l;
	int64_t port, connections, seconds, pause_ms = 0;
	if (argc < 5 || is_err(parse_i64(str_from(argv[1]), 1, 65535, &port)) ||
	    is_err(parse_i64(str_from(argv[2]), 1, 10000, &connections)) ||
	    is_err(parse_i64(str_from(argv[3]), 1, 3600, &seconds)) ||
	    (argc > 6 && is_err(parse_i64(str_from(argv[6]), 0, 60000, &pause_ms)))) {
		fprintf(stderr,
			"usage: http_load PORT CONNECTIONS SECONDS FILE [FROM [PAUSE_MS]]\n");
		return 2;
	}
	read_request(&l, argv[4]);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	l.connections = (int)connections;
	l.pause_us = pause_ms * USEC_PER_MS;
	l.clients = xcalloc((size_t)connections, sizeof(*l.clients));
	l.samples = xcalloc(SAMPLES_MAX, sizeof(*l.samples));
	for (int i = 0; i < l.connections; i++)
		open_client(&l, &l.clients[i], (int)port, argc > 5 ? argv[5] : NULL);
	usec_t began = clock_mono();
	l.until = began + seconds * USEC_PER_SEC;
	for (int i = 0; i < l.connections; i++)
		send_one(&l, &l.clients[i]);
	run(&l);
	report(&l, clock_mono() - began);
	free(l.clients);
	free(l.samples);
	return 0;
}
