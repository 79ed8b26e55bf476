/* A Postgres of a test's own: a server in a temporary directory, on a socket, gone when the test
 * program ends however it ends; or, where BELFRY_TEST_PG names a running throwaway server, a
 * database of its own there. Every failure ends the test. */
#ifndef BELFRY_TESTS_PG_FIXTURE_H
#define BELFRY_TESTS_PG_FIXTURE_H

#include <stdbool.h>

struct pg_fixture;

struct pg_fixture *pg_fixture_new(void);
void pg_fixture_free(struct pg_fixture *f);
const char *pg_fixture_conninfo(const struct pg_fixture *f);
/* True when signals may be sent to the server's processes. */
bool pg_fixture_is_private(const struct pg_fixture *f);
/* Another, empty database on the same server, dropped with it. */
char *pg_fixture_database(struct pg_fixture *f, const char *name);

/* Runs statements on a connection apart from the ones under test, and waits for them. */
void pg_fixture_exec(struct pg_fixture *f, const char *sql);
/* The first column of the first row, "" when there is none. Freed by the caller. */
char *pg_fixture_value(struct pg_fixture *f, const char *sql);

#endif
