/* Files of any size, from the API to standard output or a file, piece by piece. A file is written
 * beside its place and moved there when it is whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api.h"
#include "progress.h"

#define PATH_BYTES ((size_t)4096)
#define MODE_FILE 0666 /* less the user's umask */

struct download {
	struct progress progress;
	FILE *file;
	int64_t bytes;
	bool has_failed;
};

static bool on_piece(struct str piece, void *arg)
{
	struct download *d = arg;

	d->has_failed = fwrite(piece.p, 1, piece.n, d->file) != piece.n;
	d->bytes += (int64_t)piece.n;
	if (d->file != stdout)
		progress_update(&d->progress, d->bytes, -1);
	return !d->has_failed;
}

static int fetch(struct app *app, const struct command *c, struct download *d)
{
	struct transfer t;

	transfer_init(&t, c->method);
	int code = api_request(app, c, &t);
	t.is_long = true;
	t.sink = on_piece;
	t.arg = d;
	progress_begin(&d->progress, app->err,
		       (struct bar){ .label = "received", .unit = BAR_BYTES });
	if (code == EXIT_DONE)
		code = api_send(app, &t);
	progress_end(&d->progress);
	if (code == EXIT_DONE && (d->has_failed || fflush(d->file) != 0))
		code = app_fail(EXIT_REFUSED, "the file cannot be written: %s", strerror(errno));
	transfer_deinit(&t);
	return code;
}

static int fetch_into(struct app *app, const struct command *c, const char *path,
		      const char *partial)
{
	struct download d = { .bytes = 0 };
	int fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MODE_FILE);

	if (fd >= 0)
		d.file = fdopen(fd, "w");
	if (d.file == NULL) {
		int code = app_fail(EXIT_REFUSED, "%s: %s", partial, strerror(errno));
		if (fd >= 0)
			(void)close(fd); /* nothing is in it */
		return code;
	}
	int code = fetch(app, c, &d);
	if (fclose(d.file) != 0 && code == EXIT_DONE)
		code = app_fail(EXIT_REFUSED, "%s: %s", partial, strerror(errno));
	if (code == EXIT_DONE && rename(partial, path) != 0)
		code = app_fail(EXIT_REFUSED, "%s: %s", path, strerror(errno));
	if (code != EXIT_DONE)
		(void)unlink(partial); /* the failure is told */
	return code;
}

int cmd_download(struct app *app, const struct command *c)
{
	const char *path = app_option(app, OPT_OUTPUT);
	struct download d = { .file = stdout };
	struct strbuf partial;

	if (path == NULL || strcmp(path, "-") == 0)
		return fetch(app, c, &d);
	strbuf_init(&partial, PATH_BYTES);
	strbuf_addf(&partial, "%s.part", path);
	int code = strbuf_overflowed(&partial) ? app_fail(EXIT_USAGE, "--output: too long")
					       : fetch_into(app, c, path, partial.p);
	strbuf_deinit(&partial);
	return code;
}
