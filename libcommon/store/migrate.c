/* One unit per file; the server-side part is admin_migration_function.sql. */
#include "store/migrate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "sec/sec.h"
#include "store_gen.h"

#define DIRECTORY "proto/schema/"
#define VERSION_DIGITS 4
/* Raised by admin_migration_function.sql. */
#define SQLSTATE_CHANGED "BF001"
#define SQLSTATE_BEHIND "BF002"

struct migrate {
	struct pg_pool *pool;
	const struct embed_file *file; /* the next one, or the one under way */
	usec_t lock_wait_us;
	migrate_fn done;
	void *arg;
	struct pg_unit *unit; /* under way, or NULL */
	struct migrate_report report;
};

static bool is_migration(const struct embed_file *f)
{
	struct str path = str_from(f->path);

	return str_starts(path, STR(DIRECTORY)) && str_ends(path, STR(".sql"));
}

static void finish(struct migrate *m, struct err e)
{
	m->done(e, &m->report, m->arg); /* may free m */
}

static struct err begin_file(struct migrate *m);

static void on_applied(struct err e, const struct pg_unit *u, void *arg)
{
	struct migrate *m = arg;
	const char *state = pg_unit_sqlstate(u);
	struct admin_migration_apply_row row;

	m->unit = NULL;
	m->report.path = m->file->path;
	m->report.reason = pg_unit_message(u);
	if (strcmp(state, SQLSTATE_CHANGED) == 0 || strcmp(state, SQLSTATE_BEHIND) == 0)
		e = ERR(ERR_CONFLICT, "migrations only go forward and are never edited");
	if (is_err(e)) {
		finish(m, e);
		return;
	}
	get_admin_migration_apply(pg_unit_result(u, 1), 0, &row);
	m->report.path = m->report.reason = "";
	if (row.is_new)
		m->report.n_applied++;
	else
		m->report.n_present++;
	m->file++;
	e = begin_file(m);
	if (is_err(e))
		finish(m, e);
	else if (m->unit == NULL)
		finish(m, OK);
}

static struct err version_of(struct str name, int64_t *out)
{
	if (name.n <= VERSION_DIGITS || name.p[VERSION_DIGITS] != '_')
		return ERR(ERR_INTERNAL, "a migration is named NNNN_what.sql");
	return parse_i64((struct str){ name.p, VERSION_DIGITS }, 1, 9999, out);
}

/* Submits the next migration; m->unit stays NULL when there is none left. */
static struct err begin_file(struct migrate *m)
{
	struct pg_unit *u;
	int64_t version;
	uint8_t sha256[SHA256_SIZE];

	while (m->file->path != NULL && !is_migration(m->file))
		m->file++;
	if (m->file->path == NULL)
		return OK;
	struct str name = str_from(m->file->path + strlen(DIRECTORY));
	TRY(version_of(name, &version));
	sec_sha256(m->file->text, sha256);
	u = pg_unit_new();
	add_admin_migration_function(u);
	add_admin_migration_apply(u, &(struct admin_migration_apply_args){
					     .version = version,
					     .name = name,
					     .sha256 = { (const char *)sha256, sizeof(sha256) },
					     .script = m->file->text,
					     .wait_ms = max_i64(m->lock_wait_us / USEC_PER_MS, 1),
				     });
	TRY(pg_submit(m->pool, u, on_applied, m));
	m->unit = u;
	return OK;
}

struct err migrate_start(struct pg_pool *p, const struct migrate_options *o, migrate_fn done,
			 void *arg, struct migrate **out)
{
	struct migrate *m = xcalloc(1, sizeof(*m));
	struct err e;

	m->pool = p;
	m->file = o->files;
	m->lock_wait_us = o->lock_wait_us;
	m->done = done;
	m->arg = arg;
	m->report.path = m->report.reason = "";
	e = begin_file(m);
	if (!is_err(e) && m->unit == NULL)
		e = ERR(ERR_NOT_FOUND, "this program carries no migrations");
	if (is_err(e)) {
		migrate_free(m);
		return e;
	}
	*out = m;
	return OK;
}

void migrate_free(struct migrate *m)
{
	if (m == NULL)
		return;
	if (m->unit != NULL)
		pg_cancel(m->unit);
	free(m);
}
