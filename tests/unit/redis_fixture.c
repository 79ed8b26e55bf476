/* A server starts in some 40 ms, so a test may have its own. */
#include "redis_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "check.h"
#include "sys/clock.h"

#define LIMIT_US (10 * USEC_PER_SEC)
#define PORT_TRIES 10

struct redis_fixture {
	char dir[64];
	char socket[96];
	char url[128];
	char password[64];
	int port; /* 0 = none */
	pid_t pid;
	redisContext *side;
};

static void exec_server(const struct redis_fixture *f)
{
	char port[16];
	snprintf(port, sizeof(port), "%d", f->port);
	const char *argv[] = {
		"redis-server", "--port", port, "--unixsocket", f->socket,   "--dir",
		f->dir,         "--save", "",   "--bind",       "127.0.0.1", "--appendonly",
		"no",           "--hz",   "10", NULL,           NULL,        NULL
	};
	size_t n = 15;
	if (f->password[0] != '\0') {
		argv[n++] = "--requirepass";
		argv[n++] = f->password;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int log = open("/dev/null", O_WRONLY);
	dup2(log, STDOUT_FILENO);
	/* execvp promises not to write to them; its type is older than const. */
	char *words[ARRAY_LEN(argv)] = { NULL };
	for (size_t i = 0; i < n; i++)
		words[i] = strdup(argv[i]);
	execvp(words[0], words);
	_exit(127);
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

/* True once the server answers; false when it ended instead, as over a port that is taken. */
static bool wait_ready(struct redis_fixture *f)
{
	usec_t mono_end = clock_mono() + LIMIT_US;
	while (clock_mono() < mono_end) {
		int status;
		if (waitpid(f->pid, &status, WNOHANG) == f->pid) {
			f->pid = 0;
			return false;
		}
		f->side = redisConnectUnix(f->socket);
		assert_non_null(f->side);
		if (f->side->err == 0) {
			redisSetTimeout(f->side, (struct timeval){ .tv_sec = 10 });
			redisReply *r = NULL;
			if (f->password[0] != '\0')
				freeReplyObject(redisCommand(f->side, "AUTH %s", f->password));
			r = redisCommand(f->side, "PING");
			bool is_ready = r != NULL && r->type == REDIS_REPLY_STATUS;
			freeReplyObject(r);
			if (is_ready)
				return true;
		}
		redisFree(f->side);
		f->side = NULL;
		nap();
	}
	fail_msg("the private Redis did not start");
	return false;
}

static bool try_start(struct redis_fixture *f)
{
	unlink(f->socket);
	fflush(NULL);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (f->pid == 0)
		exec_server(f);
	return wait_ready(f);
}

static struct redis_fixture *make(void)
{
	const char *tmp = getenv("TMPDIR");
	struct redis_fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	/* The path of a socket has little room. */
	if (tmp == NULL || strlen(tmp) > 40)
		tmp = "/tmp";
	snprintf(f->dir, sizeof(f->dir), "%s/belfry-redis-XXXXXX", tmp);
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->socket, sizeof(f->socket), "%s/s", f->dir);
	snprintf(f->url, sizeof(f->url), "unix://%s", f->socket);
	return f;
}

struct redis_fixture *redis_fixture_new(void)
{
	struct redis_fixture *f = make();
	assert_true(try_start(f));
	return f;
}

static int free_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)(void *)&sa, sizeof(sa)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&sa, &n), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

struct redis_fixture *redis_fixture_new_tcp(const char *password)
{
	struct redis_fixture *f = make();
	snprintf(f->password, sizeof(f->password), "%s", password);
	for (int i = 0; i < PORT_TRIES; i++) {
		f->port = free_port();
		if (try_start(f))
			return f;
	}
	fail_msg("no free port was found");
	return f;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void redis_fixture_free(struct redis_fixture *f)
{
	if (f == NULL)
		return;
	redis_fixture_kill(f);
	nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
}

const char *redis_fixture_url(const struct redis_fixture *f)
{
	return f->url;
}

int redis_fixture_port(const struct redis_fixture *f)
{
	return f->port;
}

void redis_fixture_kill(struct redis_fixture *f)
{
	if (f->side != NULL)
		redisFree(f->side);
	f->side = NULL;
	if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	f->pid = 0;
}

void redis_fixture_start(struct redis_fixture *f)
{
	assert_int_equal(f->pid, 0);
	assert_true(try_start(f));
}

void redis_fixture_pause(struct redis_fixture *f)
{
	int status;
	kill(f->pid, SIGSTOP);
	assert_int_equal(waitpid(f->pid, &status, WUNTRACED), f->pid);
	assert_true(WIFSTOPPED(status));
}

void redis_fixture_resume(struct redis_fixture *f)
{
	kill(f->pid, SIGCONT);
}

void redis_fixture_ready(struct redis_fixture *f)
{
	if (f->pid == 0)
		redis_fixture_start(f);
	redis_fixture_resume(f);
	free(redis_fixture_text(f, "FLUSHALL"));
}

static redisReply *ask(struct redis_fixture *f, const char *fmt, va_list ap)
{
	redisReply *r = redisvCommand(f->side, fmt, ap);
	if (r == NULL)
		fail_msg("%s: %s", fmt, f->side->errstr);
	else if (r->type == REDIS_REPLY_ERROR)
		fail_msg("%s: %s", fmt, r->str);
	return r;
}

int64_t redis_fixture_int(struct redis_fixture *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	redisReply *r = ask(f, fmt, ap);
	va_end(ap);
	int64_t v = -1;
	if (r->type == REDIS_REPLY_INTEGER)
		v = r->integer;
	else if (r->type == REDIS_REPLY_ARRAY)
		v = (int64_t)r->elements;
	else if (r->type == REDIS_REPLY_STRING)
		v = strtoll(r->str, NULL, 10);
	freeReplyObject(r);
	return v;
}

char *redis_fixture_text(struct redis_fixture *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	redisReply *r = ask(f, fmt, ap);
	va_end(ap);
	char *text = strdup(r->str != NULL ? r->str : "");
	freeReplyObject(r);
	assert_non_null(text);
	return text;
}

/* --- the loop ------------------------------------------------------------------------------- */

struct wait {
	struct loop *loop;
	struct timer *timer;
	bool (*is_done)(void *arg);
	void *arg;
	usec_t mono_end;
	bool is_late;
};

static void look(void *arg)
{
	struct wait *w = arg;
	bool is_done = w->is_done != NULL && w->is_done(w->arg);
	w->is_late = !is_done && clock_mono() >= w->mono_end;
	if (is_done || w->is_late)
		loop_stop(w->loop);
	else
		timer_start(w->timer, USEC_PER_MS);
}

static bool run(struct loop *l, bool (*is_done)(void *arg), void *arg, usec_t limit_us)
{
	struct wait w = {
		.loop = l, .is_done = is_done, .arg = arg, .mono_end = clock_mono() + limit_us
	};
	w.timer = timer_new(l, look, &w);
	timer_start(w.timer, 0);
	loop_run(l);
	timer_free(w.timer);
	return !w.is_late;
}

int redis_fixture_begin(void **state, size_t bench_size)
{
	struct redis_fixture **bench = xcalloc(1, bench_size);
	*bench = redis_fixture_new();
	*state = bench;
	return 0;
}

int redis_fixture_end(void **state)
{
	struct redis_fixture **bench = *state;
	redis_fixture_free(*bench);
	free(bench);
	return 0;
}

void turn_until(struct loop *l, bool (*is_done)(void *arg), void *arg)
{
	if (!run(l, is_done, arg, LIMIT_US))
		fail_msg("the loop waited for something that did not come");
}

void turn_for(struct loop *l, usec_t span_us)
{
	(void)run(l, NULL, NULL, span_us); /* "late" is the only way it can end */
}
