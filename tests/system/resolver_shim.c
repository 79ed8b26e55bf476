/* Names in the hands of a test: preloaded into a program, this asks a Unix socket what a name means,
 * at each call of getaddrinfo anew, and tells it each TCP connection before it begins.
 *
 *   -> N <name> <port>\n        <- addresses with blanks between them, or nothing: no such name
 *   -> C <address> <port>\n     <- the address to go to in its place, or nothing: go
 *
 * Each question has a connection of its own and is answered until its end; one that is not answered
 * is a name server that does not answer. RESOLVER_SHIM names the socket. Addresses stay addresses. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef int (*getaddrinfo_fn)(const char *, const char *, const struct addrinfo *,
			      struct addrinfo **);
typedef int (*connect_fn)(int, const struct sockaddr *, socklen_t);

/* dlsym gives an object's address; ISO C does not turn that into a function's. */
static void find(const char *name, void *fn)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(fn, &found, sizeof(found));
}

static int real_connect(int fd, const struct sockaddr *to, socklen_t size)
{
	connect_fn fn;

	find("connect", &fn);
	return fn(fd, to, size);
}

/* The answer to one question; false when nobody can be asked. */
static bool ask(const char *question, char *answer, size_t size)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *path = getenv("RESOLVER_SHIM");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n = 0;
	ssize_t got;

	if (path == NULL || fd < 0)
		return false;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (real_connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
	    send(fd, question, strlen(question), MSG_NOSIGNAL) < 0) {
		(void)close(fd);
		return false;
	}
	while (n + 1 < size && (got = recv(fd, answer + n, size - n - 1, 0)) > 0)
		n += (size_t)got;
	answer[n] = '\0';
	(void)close(fd);
	return true;
}

/* What the addresses of an answer are, one list after the other. */
static int resolve_all(char *addresses, const char *service, const struct addrinfo *hints,
		       struct addrinfo **out)
{
	struct addrinfo numeric = hints != NULL ? *hints : (struct addrinfo){ 0 };
	struct addrinfo *list = NULL, **end = &list;
	getaddrinfo_fn fn;
	char *rest = NULL;

	find("getaddrinfo", &fn);
	numeric.ai_flags = (numeric.ai_flags & ~AI_ADDRCONFIG) | AI_NUMERICHOST;
	for (char *one = strtok_r(addresses, " \n", &rest); one != NULL;
	     one = strtok_r(NULL, " \n", &rest)) {
		if (fn(one, service, &numeric, end) != 0)
			continue; /* not of the family that was asked for */
		while (*end != NULL)
			end = &(*end)->ai_next;
	}
	if (list == NULL)
		return EAI_NONAME;
	*out = list;
	return 0;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **out)
{
	char question[512], answer[1024];
	unsigned char raw[sizeof(struct in6_addr)];
	getaddrinfo_fn fn;

	if (node == NULL || inet_pton(AF_INET, node, raw) == 1 ||
	    inet_pton(AF_INET6, node, raw) == 1) {
		find("getaddrinfo", &fn);
		return fn(node, service, hints, out);
	}
	(void)snprintf(question, sizeof(question), "N %s %s\n", node,
		       service != NULL ? service : "-");
	if (!ask(question, answer, sizeof(answer)))
		return EAI_AGAIN;
	return resolve_all(answer, service, hints, out);
}

int connect(int fd, const struct sockaddr *to, socklen_t size)
{
	char question[128], answer[128], text[INET6_ADDRSTRLEN];
	struct sockaddr_in in;

	if (to->sa_family != AF_INET || size < sizeof(in))
		return real_connect(fd, to, size);
	memcpy(&in, to, sizeof(in));
	(void)inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
	(void)snprintf(question, sizeof(question), "C %s %d\n", text, ntohs(in.sin_port));
	if (ask(question, answer, sizeof(answer)) && answer[0] != '\0') {
		answer[strcspn(answer, "\n")] = '\0';
		(void)inet_pton(AF_INET, answer, &in.sin_addr);
	}
	return real_connect(fd, (const struct sockaddr *)&in, sizeof(in));
}
