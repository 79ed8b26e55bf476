/* Applies the schema's migrations: proto/schema/NNNN_what.sql, embedded in the program, in order,
 * each in a transaction of its own together with its row in schema_migration. One migrator works
 * at a time; a second one waits for the first and finds nothing left to do. A file that was changed
 * after it was applied, or that comes before an applied one, is refused: migrations only go
 * forward.
 *
 * The pool sends unnamed statements (prepare = false), since the first migration finds no table to
 * prepare against; its unit_timeout_us bounds each migration, the wait for the lock included. */
#ifndef BELFRY_STORE_MIGRATE_H
#define BELFRY_STORE_MIGRATE_H

#include "base/embed.h"
#include "pg/pg.h"

struct migrate;

struct migrate_report {
	int n_applied;
	int n_present;      /* stood already */
	const char *path;   /* of the file that failed, or "" */
	const char *reason; /* what the server said about it, or "" */
};

/* Fires once, from the loop; the report is borrowed. ERR_CONFLICT: a migration is refused;
 * ERR_TIMEOUT: another migrator, or a table in use, was waited for in vain. */
typedef void (*migrate_fn)(struct err e, const struct migrate_report *r, void *arg);

struct migrate_options {
	/* Sorted, ends with path == NULL (embed_files); what is no migration is skipped. */
	const struct embed_file *files;
	usec_t lock_wait_us; /* for any lock, another migrator's or a table's */
};

/* On failure the callback does not fire. */
struct err migrate_start(struct pg_pool *p, const struct migrate_options *o, migrate_fn done,
			 void *arg, struct migrate **out) MUST_USE;
void migrate_free(struct migrate *m); /* also from inside the callback */

#endif
