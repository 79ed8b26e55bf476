/* initdb costs 1.5 s, so a test program makes one server. Started by root, the server runs as
 * postgres or nobody, which Postgres insists on. */
#include "pg_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define START_TIMEOUT_MS 60000

struct pg_fixture {
	char dir[256]; /* "" for a server that is not ours */
	char bin[256];
	char conninfo[512];
	char database[64]; /* of ours on a server that is not */
	pid_t postmaster;
	uid_t uid;
	gid_t gid;
	PGconn *conn;
};

static void find_binaries(struct pg_fixture *f)
{
	glob_t g;

	assert_int_equal(glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &g), 0);
	snprintf(f->bin, sizeof(f->bin), "%s", g.gl_pathv[g.gl_pathc - 1]);
	*strrchr(f->bin, '/') = '\0';
	globfree(&g);
}

static void pick_user(struct pg_fixture *f)
{
	const struct passwd *pw;

	f->uid = getuid();
	f->gid = getgid();
	if (f->uid != 0)
		return;
	pw = getpwnam("postgres");
	if (pw == NULL)
		pw = getpwnam("nobody");
	assert_non_null(pw);
	f->uid = pw->pw_uid;
	f->gid = pw->pw_gid;
}

/* In the child: becomes the unprivileged user, dies with its parent, logs to a file. */
static void run_server_program(const struct pg_fixture *f, char *const argv[])
{
	char path[512];
	int log;

	if (getuid() == 0 &&
	    (setgroups(0, NULL) != 0 || setgid(f->gid) != 0 || setuid(f->uid) != 0))
		_exit(126);
	/* After setuid, which clears it. SIGQUIT is the immediate shutdown. */
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
	snprintf(path, sizeof(path), "%s/log", f->dir);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (log < 0 || chdir(f->dir) != 0)
		_exit(126);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	snprintf(path, sizeof(path), "%s/%s", f->bin, argv[0]);
	execv(path, argv);
	_exit(127);
}

/* The words of args stand between bars; the first one is the program. */
static pid_t start_program(const struct pg_fixture *f, char *args)
{
	char *argv[32] = { NULL };
	pid_t pid;

	for (size_t n = 0; args != NULL; n++) {
		assert_true(n + 1 < sizeof(argv) / sizeof(argv[0]));
		argv[n] = strsep(&args, "|");
	}

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run_server_program(f, argv);
	return pid;
}

static void show_log(const struct pg_fixture *f)
{
	char path[512], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/log", f->dir);
	file = fopen(path, "r");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
		print_error("%s", line);
	fclose(file);
}

static void start_server(struct pg_fixture *f)
{
	const char *tmp = getenv("TMPDIR");
	char data[320], args[1024];
	int status, waited_ms = 0;

	find_binaries(f);
	pick_user(f);
	snprintf(f->dir, sizeof(f->dir), "%s/belfry-pg-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(chown(f->dir, f->uid, f->gid), 0);
	snprintf(data, sizeof(data), "%s/data", f->dir);
	snprintf(args, sizeof(args),
		 "initdb|-D|%s|-U|postgres|-A|trust|-E|UTF8|--locale=C.UTF-8|--no-sync", data);
	pid_t pid = start_program(f, args);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		show_log(f);
	assert_int_equal(status, 0);
	snprintf(args, sizeof(args),
		 "postgres|-D|%s|-k|%s|-c|listen_addresses=|-c|fsync=off|-c|full_page_writes=off|"
		 "-c|shared_buffers=32MB|-c|max_connections=40",
		 data, f->dir);
	f->postmaster = start_program(f, args);
	snprintf(f->conninfo, sizeof(f->conninfo), "host=%s user=postgres dbname=postgres", f->dir);
	while (PQping(f->conninfo) != PQPING_OK) {
		const struct timespec nap = { .tv_nsec = 10 * 1000 * 1000 };
		if (waitpid(f->postmaster, &status, WNOHANG) != 0 || waited_ms > START_TIMEOUT_MS) {
			show_log(f);
			fail_msg("the private Postgres did not start");
		}
		nanosleep(&nap, NULL);
		waited_ms += 10;
	}
}

static void connect_to(struct pg_fixture *f)
{
	f->conn = PQconnectdb(f->conninfo);
	if (PQstatus(f->conn) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(f->conn));
	pg_fixture_exec(f, "SET client_min_messages = warning");
}

/* The conninfo of another database of the same server, as key=value words. */
static void name_database(const char *conninfo, const char *database, char *out, size_t size)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	size_t n = 0;

	assert_non_null(options);
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
		const char *value = strcmp(o->keyword, "dbname") == 0 ? database : o->val;
		if (value == NULL)
			continue;
		n += (size_t)snprintf(out + n, size - n, "%s='%s' ", o->keyword, value);
		assert_true(n < size);
	}
	PQconninfoFree(options);
}

struct pg_fixture *pg_fixture_new(void)
{
	struct pg_fixture *f = calloc(1, sizeof(*f));
	const char *given = getenv("BELFRY_TEST_PG");

	assert_non_null(f);
	if (given == NULL) {
		start_server(f);
		connect_to(f);
		return f;
	}
	snprintf(f->conninfo, sizeof(f->conninfo), "%s", given);
	connect_to(f);
	snprintf(f->database, sizeof(f->database), "test_%d", (int)getpid());
	free(pg_fixture_database(f, f->database));
	char own[sizeof(f->conninfo)];
	name_database(given, f->database, own, sizeof(own));
	PQfinish(f->conn);
	memcpy(f->conninfo, own, sizeof(own));
	connect_to(f);
	return f;
}

char *pg_fixture_database(struct pg_fixture *f, const char *name)
{
	char sql[160], *conninfo = calloc(1, sizeof(f->conninfo));

	assert_non_null(conninfo);
	snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
	pg_fixture_exec(f, sql);
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
	pg_fixture_exec(f, sql);
	name_database(f->conninfo, name, conninfo, sizeof(f->conninfo));
	return conninfo;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void drop_own_database(struct pg_fixture *f)
{
	char sql[160];

	snprintf(f->conninfo, sizeof(f->conninfo), "%s", getenv("BELFRY_TEST_PG"));
	connect_to(f);
	snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", f->database);
	pg_fixture_exec(f, sql);
	PQfinish(f->conn);
}

void pg_fixture_free(struct pg_fixture *f)
{
	if (f == NULL)
		return;
	PQfinish(f->conn);
	if (f->dir[0] == '\0') {
		drop_own_database(f);
	} else {
		kill(f->postmaster, SIGQUIT);
		waitpid(f->postmaster, NULL, 0);
		nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	free(f);
}

const char *pg_fixture_conninfo(const struct pg_fixture *f)
{
	return f->conninfo;
}

bool pg_fixture_is_private(const struct pg_fixture *f)
{
	return f->dir[0] != '\0';
}

void pg_fixture_exec(struct pg_fixture *f, const char *sql)
{
	free(pg_fixture_value(f, sql));
}

char *pg_fixture_value(struct pg_fixture *f, const char *sql)
{
	PGresult *res = PQexec(f->conn, sql);
	ExecStatusType status = PQresultStatus(res);
	char *value;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(f->conn));
	value = strdup(PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
	PQclear(res);
	assert_non_null(value);
	return value;
}
