/* The file is never held: libcurl reads it in pieces of 256 KiB as the API takes them. */
#include "import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api.h"
#include "base/mem.h"
#include "progress.h"
#include "show.h"
#include "sys/clock.h"
#include "text.h"
#include "json/json_in.h"

#define POLL_US (250 * USEC_PER_MS)
#define STALLED_US (5 * 60 * USEC_PER_SEC)
#define ANSWER_BYTES ((size_t)1024 * 1024)

struct import_state {
	char id[64], status[32], reason[64];
	int64_t received, inserted, deduped, rejected;
};

int import_open(const char *name, struct import_file *out)
{
	struct stat st;
	int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return app_fail(EXIT_REFUSED, "%s: %s", name, strerror(errno));
	if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
		if (fd != STDIN_FILENO)
			(void)close(fd); /* only read */
		return app_fail(EXIT_REFUSED, "%s: this is no file", name);
	}
	*out = (struct import_file){ name, fd, S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1 };
	return EXIT_DONE;
}

void import_close(struct import_file *f)
{
	if (f->fd > STDIN_FILENO)
		(void)close(f->fd); /* only read */
	f->fd = -1;
}

static void copy_member(const struct json_value *v, const char *key, char *out, size_t size)
{
	const struct json_value *m = json_get(v, key);
	struct str s = m == NULL ? STR_NONE : json_as_str(m);

	s.n = min_size(s.n, size - 1);
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

static int64_t count_of(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);
	int64_t n = 0;

	return m != NULL && json_as_i64(m, &n) ? n : 0;
}

static int parse_state(struct str body, struct import_state *out)
{
	struct json_doc *d;
	struct err e = json_parse(body, (struct json_limits){ ANSWER_BYTES, 32 }, &d, NULL);

	if (!is_err(e) && json_type(json_doc_root(d)) != JSON_OBJECT) {
		json_doc_free(d);
		e = ERR(ERR_PROTOCOL, "no object");
	}
	if (is_err(e))
		return app_fail(EXIT_AWAY, "the answer is not an import: %s", e.what);
	const struct json_value *v = json_doc_root(d);
	copy_member(v, "id", out->id, sizeof(out->id));
	copy_member(v, "status", out->status, sizeof(out->status));
	copy_member(v, "reason", out->reason, sizeof(out->reason));
	out->received = count_of(v, "received");
	out->inserted = count_of(v, "inserted");
	out->deduped = count_of(v, "deduped");
	out->rejected = count_of(v, "rejected");
	json_doc_free(d);
	return EXIT_DONE;
}

/* --- the file on its way -------------------------------------------------------------------- */

struct import_job {
	struct app *app;
	struct transfer t;
	struct progress progress;
	int64_t bytes; /* of the file */
	struct import_state s;
};

static void on_sent(int64_t sent, void *arg)
{
	struct import_job *job = arg;

	progress_update(&job->progress, sent, job->bytes);
}

static int upload(struct import_job *job, struct str campaign, const struct import_file *f)
{
	struct app *app = job->app;
	struct transfer *t = &job->t;
	const char *region = app_option(app, OPT_REGION);

	(void)api_url(app, "/v1/campaigns/{}/imports", &campaign, &t->url); /* one place */
	if (region != NULL)
		api_query(&t->url, "default_region", str_from(region));
	t->content_type = "text/csv";
	api_make_idempotent(app, t);
	t->upload_fd = f->fd;
	t->upload_bytes = f->bytes;
	t->is_long = true;
	t->progress = on_sent;
	t->arg = job;
	progress_begin(&job->progress, app->err,
		       (struct bar){ .label = "sending", .unit = BAR_BYTES });
	int code = api_send(app, t);
	progress_end(&job->progress);
	if (code == EXIT_DONE && t->end == TRANSFER_STOPPED)
		return app_fail(EXIT_REFUSED, "%s: the file cannot be read", f->name);
	return code;
}

/* --- its rows ------------------------------------------------------------------------------- */

static int64_t done_of(const struct import_state *s)
{
	return s->inserted + s->deduped + s->rejected;
}

/* Asks until the import is over; the last answer stays in the transfer. */
static int follow(struct import_job *job)
{
	struct app *app = job->app;
	struct import_state *s = &job->s;
	struct str id = str_from(s->id);
	usec_t mono_moved = clock_mono();
	int code = EXIT_DONE;

	transfer_deinit(&job->t);
	transfer_init(&job->t, "GET");
	(void)api_url(app, "/v1/imports/{}", &id, &job->t.url); /* one place */
	progress_begin(&job->progress, app->err, (struct bar){ .label = "rows" });
	while (code == EXIT_DONE) {
		int64_t before = done_of(s);
		code = api_send(app, &job->t);
		if (code == EXIT_DONE)
			code = parse_state(strbuf_str(&job->t.answer), s);
		if (code != EXIT_DONE || strcmp(s->status, "running") != 0)
			break;
		progress_update(&job->progress, done_of(s), s->received);
		if (done_of(s) != before)
			mono_moved = clock_mono();
		if (clock_mono() - mono_moved > STALLED_US) {
			code = app_fail(EXIT_AWAY,
					"the import has stood still for five minutes: "
					"belfry imports show %s",
					s->id);
			break;
		}
		app_wait(app, POLL_US);
	}
	progress_end(&job->progress);
	return code;
}

static int tell(struct app *app, const struct import_state *s, struct str body)
{
	bool failed = strcmp(s->status, "failed") == 0;

	if (app_is_json(app)) {
		int code = show_object(app, body);
		return code == EXIT_DONE && failed ? EXIT_REFUSED : code;
	}
	printf("import %s: %" PRId64 " rows, %" PRId64 " new, %" PRId64 " known, %" PRId64
	       " rejected\n",
	       s->id, s->received, s->inserted, s->deduped, s->rejected);
	if (s->rejected > 0)
		printf("  belfry imports errors %s tells why\n", s->id);
	if (failed)
		return app_fail(EXIT_REFUSED, "the import failed: %s", s->reason);
	return EXIT_DONE;
}

int import_run(struct app *app, struct str campaign, const struct import_file *f)
{
	struct import_job job = { .app = app, .bytes = f->bytes };

	transfer_init(&job.t, "POST");
	int code = upload(&job, campaign, f);
	if (code == EXIT_DONE)
		code = parse_state(strbuf_str(&job.t.answer), &job.s);
	if (code == EXIT_DONE && app->args.given[OPT_NO_WAIT]) {
		if (app_is_json(app))
			code = show_object(app, strbuf_str(&job.t.answer));
		else
			printf("import %s: the file is in; belfry imports show %s\n", job.s.id,
			       job.s.id);
	} else if (code == EXIT_DONE) {
		code = follow(&job);
		if (code == EXIT_DONE)
			code = tell(app, &job.s, strbuf_str(&job.t.answer));
	}
	transfer_deinit(&job.t);
	return code;
}
