/* A campaign's progress as it is: the stream is followed over broken connections until the API says
 * that there is no more (204). */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "base/timefmt.h"
#include "progress.h"
#include "sse.h"
#include "sys/clock.h"
#include "table.h"
#include "text.h"
#include "view.h"
#include "json/json_in.h"

#define FAILURES_MAX 10
#define AGAIN_US USEC_PER_SEC
#define LINE_BYTES ((size_t)4096)

struct watch {
	struct app *app;
	struct sse sse;
	struct progress progress;
	struct strbuf last;      /* the newest snapshot in words */
	bool is_fed, has_failed; /* an event came on this connection; the stream is broken */
};

static int64_t count_of(const struct json_value *counts, const char *key)
{
	const struct json_value *v =
		counts == NULL || json_type(counts) != JSON_OBJECT ? NULL : json_get(counts, key);
	int64_t n = 0;

	return v != NULL && json_as_i64(v, &n) ? n : 0;
}

static void add_words(const struct json_value *root, bool coloured, struct strbuf *out)
{
	static const struct {
		const char *key, *word;
	} parts[] = { { "pending", "waiting" },
		      { "scheduled", "planned" },
		      { "dispatched", "answered" },
		      { "failed", "failed" },
		      { "skipped", "skipped" } };
	const struct json_value *status = json_get(root, "status");
	const struct json_value *reason = json_get(root, "status_reason");
	const struct json_value *counts = json_get(root, "counts");
	const char *colour = "";

	if (status != NULL && coloured)
		colour = table_colour_of(json_as_str(status));
	strbuf_add(out, str_from(colour));
	text_clean(status == NULL ? STR_NONE : json_as_str(status), out);
	strbuf_add(out, *colour == '\0' ? STR("") : STR(TABLE_COLOUR_END));
	if (reason != NULL && json_type(reason) == JSON_STRING) {
		strbuf_add(out, STR(" ("));
		text_clean(json_as_str(reason), out);
		strbuf_add_c(out, ')');
	}
	strbuf_addf(out, "  %" PRId64 " in all", count_of(counts, "total"));
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		strbuf_addf(out, ", %" PRId64 " %s", count_of(counts, parts[i].key), parts[i].word);
}

/* Bar and words in one line, as wide as the terminal. */
static void draw(struct watch *w, const struct json_value *root)
{
	const struct json_value *counts = json_get(root, "counts");
	int64_t done = count_of(counts, "dispatched") + count_of(counts, "failed") +
		       count_of(counts, "skipped");
	struct strbuf line, cut;

	strbuf_init(&line, LINE_BYTES);
	strbuf_init(&cut, LINE_BYTES);
	w->progress.bar.done = done;
	w->progress.bar.total = count_of(counts, "total");
	/* the words have what the bar leaves them */
	w->progress.bar.width = min_size(w->app->err.width / 2, 50);
	bar_render(&w->progress.bar, &line);
	strbuf_add(&line, STR("  "));
	add_words(root, false, &line);
	(void)text_cut(strbuf_str(&line), w->app->err.width - 1, &cut);
	progress_say(&w->progress, strbuf_str(&cut));
	strbuf_deinit(&line);
	strbuf_deinit(&cut);
}

static void say_line(struct watch *w, const struct json_value *root)
{
	char now[TIMEFMT_SIZE];

	strbuf_reset(&w->last);
	timefmt_rfc3339(clock_now(), now); /* of its coming: a snapshot has no instant of its own */
	view_text(str_from(now), &w->last);
	strbuf_add(&w->last, STR("  "));
	add_words(root, w->app->out.coloured, &w->last);
	strbuf_add_c(&w->last, '\n');
	if (w->app->err.is_tty && w->app->out.is_tty)
		draw(w, root);
	else
		w->has_failed = !app_print(strbuf_str(&w->last)) || fflush(stdout) != 0;
}

static void on_event(const struct sse_event *e, void *arg)
{
	struct watch *w = arg;
	struct json_doc *d;

	w->is_fed = true;
	if (app_is_json(w->app)) {
		w->has_failed = !app_print(e->data) || !app_print(STR("\n")) || fflush(stdout) != 0;
		return;
	}
	if (is_err(json_parse(e->data, (struct json_limits){ SSE_LINE_MAX, 32 }, &d, NULL)))
		return; /* an event of a later version: its next one may be read */
	if (json_type(json_doc_root(d)) == JSON_OBJECT)
		say_line(w, json_doc_root(d));
	json_doc_free(d);
}

static bool on_piece(struct str piece, void *arg)
{
	struct watch *w = arg;

	return !is_err(sse_feed(&w->sse, piece)) && !w->has_failed;
}

/* One connection. Returns -1 while the stream is to be taken up again, or an exit code. */
static int follow(struct watch *w, struct transfer *t, int *failures)
{
	w->is_fed = false;
	sse_reset(&w->sse);
	t->last_event_id = *w->sse.id == '\0' ? NULL : w->sse.id;
	transfer_run(w->app->line, t);
	if (w->is_fed)
		*failures = 0;
	if (t->end == TRANSFER_STOPPED)
		return w->has_failed ? EXIT_REFUSED
				     : app_fail(EXIT_AWAY, "the stream is not what the API says");
	if (t->end == TRANSFER_ANSWERED && t->status == 204)
		return EXIT_DONE;
	bool is_stream = t->end == TRANSFER_ANSWERED && t->status == 200;
	bool is_passing = t->end != TRANSFER_ANSWERED || t->status == 429 || t->status >= 500;
	if ((!is_stream && !is_passing) || ++*failures > FAILURES_MAX) {
		progress_end(&w->progress);
		return api_tell(w->app, t);
	}
	/* a stream that ended is over, or the gateway is: asking again tells which */
	if (!is_stream || !w->is_fed)
		app_wait(w->app, AGAIN_US);
	return -1;
}

int cmd_campaign_watch(struct app *app, const struct command *c)
{
	struct watch w = { .app = app };
	struct transfer t;
	int code = -1, failures = 0;

	sse_init(&w.sse, on_event, &w);
	strbuf_init(&w.last, LINE_BYTES);
	progress_begin(&w.progress, app->err, (struct bar){ .label = "" });
	transfer_init(&t, c->method);
	(void)api_url(app, c->path, app->args.args, &t.url); /* the campaign takes its one place */
	t.accept = "text/event-stream";
	t.is_long = true;
	t.sink = on_piece;
	t.arg = &w;
	while (code < 0)
		code = follow(&w, &t, &failures);
	progress_end(&w.progress);
	if (code == EXIT_DONE && app->err.is_tty && app->out.is_tty && w.last.n > 0)
		code = app_print(strbuf_str(&w.last)) ? EXIT_DONE : EXIT_REFUSED;
	transfer_deinit(&t);
	strbuf_deinit(&w.last);
	sse_deinit(&w.sse);
	return code;
}
