/* The environment through a table. Every fault is printed before the process gives up, so that an
 * operator fixes a deployment in one round. */
#include "sys/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "base/embed.h"
#include "base/mem.h"
#include "base/parse.h"

#define PREFIX "BELFRY_"
#define KNOWN_PATH "libcommon/sys/settings_known.txt"
#define VALUE_MAX 65536

static const char *const kind_words[] = {
	[SETTING_STR] = "a text",
	[SETTING_I64] = "an integer",
	[SETTING_BOOL] = "one of 1 0 true false on off",
	[SETTING_MS] = "a whole number of milliseconds",
	[SETTING_SECONDS] = "a number of seconds",
	[SETTING_DOUBLE] = "a number",
};

bool settings_is_known(const char *key)
{
	const struct embed_file *list = embed_find(KNOWN_PATH);
	ASSERT(list != NULL);
	struct str rest = list->text, line;
	while (rest.n) {
		(void)str_split(rest, '\n', &line, &rest); /* the last line may lack its end */
		if (line.n && str_eq(line, str_from(key)))
			return true;
	}
	return false;
}

static bool has_limits(const struct setting *s)
{
	return s->min != 0 || s->max != 0;
}

static struct err parse_text(const struct setting *s, const char *text, void *at)
{
	size_t n = strlen(text);
	size_t max = has_limits(s) ? (size_t)s->max : VALUE_MAX;
	if (n > max || (has_limits(s) && n < (size_t)s->min))
		return ERR(ERR_INVALID, "the text is too short or too long");
	/* the environment and the table outlive the settings */
	memcpy(at, &text, sizeof(text));
	return OK;
}

/* A number in the variable's unit, stored as microseconds. */
static struct err parse_span(const struct setting *s, struct str text, usec_t unit, usec_t *at)
{
	usec_t min = 0, max = INT64_MAX / 2;
	if (has_limits(s) && (!mul_checked(s->min, unit, &min) || !mul_checked(s->max, unit, &max)))
		return ERR(ERR_INTERNAL, "the limits of this setting are too large");
	if (unit == USEC_PER_SEC)
		return parse_seconds(text, min, max, at);
	int64_t n;
	TRY(parse_i64(text, min / unit, max / unit, &n));
	*at = n * unit;
	return OK;
}

static struct err parse_value(const struct setting *s, const char *text, void *out)
{
	char *at = (char *)out + s->offset;
	struct str t = str_from(text);
	int64_t min = has_limits(s) ? s->min : INT64_MIN;
	int64_t max = has_limits(s) ? s->max : INT64_MAX;
	switch (s->kind) {
	case SETTING_STR:
		return parse_text(s, text, at);
	case SETTING_I64:
		return parse_i64(t, min, max, (int64_t *)(void *)at);
	case SETTING_BOOL:
		return parse_bool(t, (bool *)(void *)at);
	case SETTING_MS:
		return parse_span(s, t, USEC_PER_MS, (usec_t *)(void *)at);
	case SETTING_SECONDS:
		return parse_span(s, t, USEC_PER_SEC, (usec_t *)(void *)at);
	case SETTING_DOUBLE:
		return parse_double(t, (double)min, (double)max, (double *)(void *)at);
	}
	return ERR(ERR_INTERNAL, "a setting of no kind");
}

static const char *from_environment(const char *key)
{
	size_t n = strlen(key);
	for (char **e = environ; e && *e; e++) {
		if (strncmp(*e, key, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	}
	return NULL;
}

/* One line per fault. A secret's text is not shown. */
static void print_fault(const struct setting *s, const char *text, struct err e)
{
	fprintf(stderr, "%s: %s", s->key, e.what);
	if (text)
		fprintf(stderr, " (%s%s)", s->is_secret ? "it should be " : text,
			s->is_secret ? kind_words[s->kind] : "");
	if (has_limits(s))
		fprintf(stderr, "; from %" PRId64 " to %" PRId64, s->min, s->max);
	fprintf(stderr, ". %s\n", s->doc);
}

static bool refuse_unknown(void)
{
	bool ok = true;
	for (char **e = environ; e && *e; e++) {
		char key[128];
		size_t n = strcspn(*e, "=");
		if (strncmp(*e, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		if (n < sizeof(key)) {
			memcpy(key, *e, n);
			key[n] = '\0';
			if (settings_is_known(key))
				continue;
		}
		fprintf(stderr, "%.*s: no Belfry program knows this variable\n",
			(int)min_size(n, sizeof(key)), *e);
		ok = false;
	}
	return ok;
}

/* The value of KEY out of the file that KEY_FILE names, into the environment: so it lives as long as
 * the settings do, and a program that starts over finds it. */
static struct err take_file(const char *key, const char *file_key, const char *path)
{
	char text[VALUE_MAX + 1];

	if (from_environment(key))
		return ERR(ERR_INVALID, "given beside the variable that it stands for");
	FILE *f = fopen(path, "re");
	if (!f)
		return ERR(ERR_INVALID, "the file cannot be read");
	size_t n = fread(text, 1, sizeof(text), f);
	bool is_whole = !ferror(f) && n < sizeof(text);
	(void)fclose(f); /* was only read */
	while (n > 0 && strchr(" \t\r\n", text[n - 1]))
		n--;
	text[n < VALUE_MAX ? n : VALUE_MAX] = '\0';
	bool is_text = is_whole && n > 0 && strlen(text) == n;
	if (!is_text || setenv(key, text, 1) != 0 || unsetenv(file_key) != 0) {
		mem_wipe(text, sizeof(text));
		return ERR(ERR_INVALID, "the file is empty, too large, or no text");
	}
	mem_wipe(text, sizeof(text));
	return OK;
}

static bool take_files(const struct setting *table, size_t n)
{
	bool ok = true;
	for (size_t i = 0; i < n; i++) {
		char key[128];
		(void)snprintf(key, sizeof(key), "%s_FILE", table[i].key); /* keys are short */
		const char *path = table[i].is_secret ? from_environment(key) : NULL;
		if (!path)
			continue;
		ASSERT(settings_is_known(key));
		struct err e = take_file(table[i].key, key, path);
		if (is_err(e)) {
			fprintf(stderr, "%s: %s (%s)\n", key, e.what, path);
			ok = false;
		}
	}
	return ok;
}

/* The faults of the variables that are there; those that are missing are counted apart. */
static bool load(const struct setting *table, size_t n, void *out, bool tell_missing)
{
	bool ok = refuse_unknown();
	ok = take_files(table, n) && ok;
	for (size_t i = 0; i < n; i++) {
		const struct setting *s = &table[i];
		const char *given = from_environment(s->key);
		const char *text = given ? given : s->fallback;
		ASSERT(settings_is_known(s->key));
		struct err e = text ? parse_value(s, text, out)
				    : ERR(ERR_INVALID, "this variable is required");
		if (is_err(e) && (text || tell_missing)) {
			print_fault(s, text, e);
			ok = false;
		}
	}
	return ok;
}

struct err settings_load(const struct setting *table, size_t n, void *out)
{
	if (!load(table, n, out, true))
		return ERR(ERR_INVALID, "the environment is not as the settings demand");
	return OK;
}

static void print_value(const struct setting *s, const void *values)
{
	const char *at = (const char *)values + s->offset;
	const char *text;
	switch (s->kind) {
	case SETTING_STR:
		memcpy(&text, at, sizeof(text));
		if (s->is_secret)
			text = text && *text ? "(set)" : "";
		printf("%s\n", text ? text : "");
		break;
	case SETTING_I64:
		printf("%" PRId64 "\n", *(const int64_t *)(const void *)at);
		break;
	case SETTING_BOOL:
		printf("%d\n", *(const bool *)(const void *)at ? 1 : 0);
		break;
	case SETTING_MS:
		printf("%" PRId64 "\n", *(const usec_t *)(const void *)at / USEC_PER_MS);
		break;
	case SETTING_SECONDS:
		printf("%.10g\n", (double)*(const usec_t *)(const void *)at / 1e6);
		break;
	case SETTING_DOUBLE:
		printf("%.10g\n", *(const double *)(const void *)at);
		break;
	}
}

void settings_print(const struct setting *table, size_t n, const void *values)
{
	for (size_t i = 0; i < n; i++) {
		const struct setting *s = &table[i];
		printf("# %s", s->doc);
		if (!s->fallback)
			printf(" (required)\n");
		else
			printf(" (default %s)\n", *s->fallback ? s->fallback : "empty");
		printf("%s=", s->key);
		print_value(s, values);
	}
}

bool settings_command(int argc, char **argv, struct settings_table table, void *out, int *exit_out)
{
	const char *name = argc > 0 && argv[0] ? argv[0] : "belfry";
	const char *slash = strrchr(name, '/');
	name = slash ? slash + 1 : name;
	if (argc <= 1)
		return false;
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("%s %s\n", name, BELFRY_VERSION);
		*exit_out = 0;
		return true;
	}
	if (argc == 2 && strcmp(argv[1], "--print-config") == 0) {
		/* what is missing shows as empty: the table can be read without a deployment */
		bool ok = load(table.v, table.n, out, false);
		settings_print(table.v, table.n, out);
		*exit_out = ok ? 0 : 1;
		return true;
	}
	fprintf(stderr, "usage: %s [--print-config | --version]\n", name);
	*exit_out = 2;
	return true;
}
