/* belfry-admin schema wait: for what must not start before its schema is there. */
#include "app.h"
#include "base/embed.h"
#include "base/parse.h"
#include "store_gen.h"

#define LOOK_EVERY_US (300 * USEC_PER_MS)
#define DIRECTORY "proto/schema/"
#define VERSION_DIGITS 4

struct look {
	struct app *app;
	int64_t version; /* that stands; 0 = none */
};

/* The newest one that this program carries. */
static int64_t newest(void)
{
	int64_t version = 0, found;

	for (const struct embed_file *f = embed_files; f->path != NULL; f++) {
		struct str path = str_from(f->path), dir = STR(DIRECTORY);
		if (!str_starts(path, dir) || path.n < dir.n + VERSION_DIGITS)
			continue;
		if (!is_err(parse_i64((struct str){ path.p + dir.n, VERSION_DIGITS }, 1, 9999,
				      &found)))
			version = max_i64(version, found);
	}
	return version;
}

static void on_version(const struct pg_unit *u, void *arg)
{
	struct look *l = arg;
	struct admin_schema_version_row row;

	if (pg_result_rows(pg_unit_result(u, 0)) == 0)
		return;
	get_admin_schema_version(pg_unit_result(u, 0), 0, &row);
	l->version = row.version == PG_NULL_I64 ? 0 : row.version;
}

static void on_pause(void *arg)
{
	struct app *app = arg;
	loop_stop(app->loop);
}

static void pause_a_little(struct app *app)
{
	struct timer *t = timer_new(app->loop, on_pause, app);

	timer_start(t, LOOK_EVERY_US);
	(void)loop_run(app->loop); /* until on_pause: nothing else ends it */
	timer_free(t);
}

struct err cmd_schema_wait(struct app *app)
{
	struct look l = { .app = app };
	int64_t wanted = newest();
	usec_t mono_until = loop_mono(app->loop) + app->wait_us;

	for (;;) {
		struct pg_unit *u = pg_unit_new();
		add_admin_schema_version(u);
		/* No table yet, or no database: it may still come. */
		struct err e = app_do(app, u, on_version, &l);
		if (!is_err(e) && l.version >= wanted)
			return OK;
		loop_refresh_time(app->loop);
		if (loop_mono(app->loop) >= mono_until)
			return is_err(e)
				       ? e
				       : ERR(ERR_TIMEOUT, "the schema is older than this program; "
							  "run belfry-admin migrate");
		pause_a_little(app);
	}
}
