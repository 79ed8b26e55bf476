/* The floor of answering over HTTP: libevent's own server, which answers each request with the same
 * bytes and does nothing else.
 *
 *   evhttp_bare PORT_FILE ANSWER_FILE      until it is killed; the answer is application/json */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "base/base.h"

static char answer[65536];
static size_t answer_size;

static void on_request(struct evhttp_request *r, void *arg)
{
	(void)arg;
	struct evbuffer *body = evbuffer_new();
	evbuffer_add(body, answer, answer_size);
	evhttp_add_header(evhttp_request_get_output_headers(r), "Content-Type", "application/json");
	evhttp_send_reply(r, 200, "OK", body);
	evbuffer_free(body);
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = evhttp_new(base);
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	FILE *file = argc == 3 ? fopen(argv[2], "r") : NULL;
	if (file == NULL) {
		fprintf(stderr, "usage: evhttp_bare PORT_FILE ANSWER_FILE\n");
		return 2;
	}
	answer_size = fread(answer, 1, sizeof(answer), file);
	fclose(file);
	struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
	evhttp_set_gencb(http, on_request, NULL);
	if (bound == NULL ||
	    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &size) != 0) {
		fprintf(stderr, "evhttp_bare: cannot listen\n");
		return 1;
	}
	file = fopen(argv[1], "w");
	if (file == NULL)
		return 1;
	fprintf(file, "%d\n", ntohs(at.sin_port));
	fclose(file);
	event_base_dispatch(base);
	evhttp_free(http);
	event_base_free(base);
	return 0;
}
