/* One line at a time, each answered before the next is read. */
#include "app.h"

#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "domain/occurrence.h"
#include "instant.h"
#include "settings.h"
#include "sys/zoneinfo.h"

#define LINE_MAX_BYTES ((size_t)8192)
#define COUNT_MAX 1000000
#define LINE_FIELDS 5

struct app {
	struct cron_next_settings settings;
	char line[LINE_MAX_BYTES];
	char cron[LINE_MAX_BYTES]; /* without its escapes */
	int exit_code;
};

struct question {
	struct str id, cron, zone;
	usec_t from;
	int64_t n;
};

/* A line without its newline; *is_whole_out is false when it was longer than there is room for, and
 * what did not fit is gone. False at the end of input. */
static bool read_line(struct app *app, struct str *out, bool *is_whole_out)
{
	size_t n = 0, length = 0;
	int c;

	while ((c = getc_unlocked(stdin)) != EOF && c != '\n') {
		if (n < sizeof(app->line))
			app->line[n++] = (char)c;
		length++;
	}
	*out = (struct str){ app->line, n };
	*is_whole_out = n == length;
	return c == '\n' || length > 0;
}

static struct str unescape(struct str s, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], next = i + 1 < s.n ? s.p[i + 1] : '\0';
		if (c == '\\' && (next == 't' || next == '\\')) {
			c = next == 't' ? '\t' : '\\';
			i++;
		}
		to[n++] = c;
	}
	return (struct str){ to, n };
}

static struct err parse_line(struct app *app, struct str line, struct question *q)
{
	struct str field[LINE_FIELDS], rest = line;

	for (int i = 0; i < LINE_FIELDS; i++) {
		bool is_more = str_split(rest, '\t', &field[i], &rest);
		if (i == 0)
			q->id = field[0];
		if (is_more != (i < LINE_FIELDS - 1))
			return ERR(ERR_INVALID, "a line is: id TAB cron TAB tz TAB from TAB n");
	}
	q->cron = unescape(field[1], app->cron);
	q->zone = field[2];
	TRY(instant_parse(field[3], &q->from));
	return parse_i64(field[4], 0, COUNT_MAX, &q->n);
}

static struct err load_zone(const char *directory, struct str name, struct zone **out)
{
	char *bytes;
	size_t n;

	TRY(zoneinfo_read(directory, name, &bytes, &n));
	struct err e = zone_read((struct str){ bytes, n }, out);
	free(bytes);
	return e;
}

static void print_instants(const struct cron *c, const struct zone *z, const struct question *q)
{
	struct occurrence o = { .at = q->from };
	char text[INSTANT_SIZE];

	for (int64_t i = 0; i < q->n; i++) {
		if (!occurrence_next(c, z, o.at, &o)) {
			if (i == 0)
				fputs("NEVER", stdout);
			break;
		}
		instant_print(o.at, text);
		if (i > 0)
			putchar(',');
		fputs(text, stdout);
	}
}

static void answer(struct app *app, const struct question *q)
{
	struct cron cron;
	struct cron_fault fault;
	struct zone *zone = NULL;

	if (is_err(cron_parse(q->cron, &cron, &fault)) ||
	    is_err(load_zone(app->settings.zoneinfo, q->zone, &zone)))
		fputs("INVALID", stdout);
	else if (cron.is_never)
		fputs("NEVER", stdout);
	else
		print_instants(&cron, zone, q);
	zone_free(zone);
}

static void take_line(struct app *app, struct str line, bool is_whole)
{
	struct question q = { .n = 0 };
	struct err e = parse_line(app, line, &q);

	if (!is_whole)
		e = ERR(ERR_TOO_LARGE, "a line has at most 8192 bytes");
	(void)fwrite(q.id.p, 1, q.id.n, stdout); /* the stream keeps a failure: see app_run() */
	putchar('\t');
	if (is_err(e)) {
		fprintf(stderr, "cron-next: %.*s: %s\n", STR_ARG(q.id), e.what);
		fputs("INVALID", stdout);
		app->exit_code = 1;
	} else {
		answer(app, &q);
	}
	putchar('\n');
}

int app_run(int argc, char **argv)
{
	struct app app = { .exit_code = 0 };
	struct settings_table table = { cron_next_settings_table, cron_next_settings_count };
	struct str line;
	bool is_whole;
	int code;

	if (settings_command(argc, argv, table, &app.settings, &code))
		return code;
	if (is_err(settings_load(table.v, table.n, &app.settings)))
		return 2;
	if (access(app.settings.zoneinfo, R_OK | X_OK) != 0) {
		fprintf(stderr, "cron-next: the directory of BELFRY_ZONEINFO cannot be read\n");
		return 2;
	}
	/* whoever asks line by line gets each answer at once */
	(void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	while (read_line(&app, &line, &is_whole)) {
		if (line.n > 0)
			take_line(&app, line, is_whole);
	}
	if (ferror(stdin) != 0 || fflush(stdout) != 0 || ferror(stdout) != 0) {
		fprintf(stderr, "cron-next: standard input or output failed\n");
		return 1;
	}
	return app.exit_code;
}
