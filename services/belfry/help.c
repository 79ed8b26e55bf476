/* The texts of --help. */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "app.h"
#include "text.h"

#define DOC_COLUMN ((size_t)32)
#define LINE_WIDTH ((size_t)96)

static void pad_to(struct strbuf *out, size_t from, size_t column)
{
	size_t used = out->n - from;

	if (used + 2 > column) {
		strbuf_add_c(out, '\n');
		used = 0;
	}
	for (; used < column; used++)
		strbuf_add_c(out, ' ');
}

void help_usage(const struct command *c, struct strbuf *out)
{
	strbuf_addf(out, "belfry %s", c->noun);
	if (c->verb != NULL)
		strbuf_addf(out, " %s", c->verb);
	if (*c->arity != '\0')
		strbuf_addf(out, " %s", c->arity);
}

static void add_row(const struct command *c, struct strbuf *out)
{
	size_t from = out->n;

	strbuf_add(out, STR("  "));
	help_usage(c, out);
	pad_to(out, from, DOC_COLUMN + 18);
	strbuf_addf(out, "%s\n", c->summary);
}

bool help_is_noun(const char *noun)
{
	for (size_t i = 0; i < commands_count; i++) {
		if (strcmp(commands[i].noun, noun) == 0)
			return commands[i].verb != NULL;
	}
	return false;
}

void help_all(struct strbuf *out)
{
	strbuf_add(out, STR("usage: belfry NOUN VERB [ARGUMENT...] [--option VALUE...]\n"
			    "       belfry --print-config | --version\n\n"));
	for (size_t i = 0; i < commands_count; i++) {
		if (i > 0 && strcmp(commands[i - 1].noun, commands[i].noun) != 0 &&
		    commands[i].verb != NULL)
			strbuf_add_c(out, '\n');
		add_row(&commands[i], out);
	}
	strbuf_add(out, STR("\nEach command tells its options with --help. Exit codes:\n"));
	for (size_t i = 0; i < EXIT_MEANINGS; i++)
		strbuf_addf(out, "  %d  %s\n", exit_meanings[i].code, exit_meanings[i].meaning);
}

bool help_noun(const char *noun, struct strbuf *out)
{
	bool found = false;

	for (size_t i = 0; i < commands_count; i++) {
		if (strcmp(commands[i].noun, noun) == 0) {
			add_row(&commands[i], out);
			found = true;
		}
	}
	return found;
}

/* Words into lines, as far as they fit. */
static void wrap(const char *text, struct strbuf *out)
{
	struct str rest = str_from(text), word;
	size_t used = 0;

	while (rest.n > 0) {
		(void)str_split(rest, ' ', &word, &rest); /* the last word has no blank after it */
		if (used > 0 && used + 1 + word.n > LINE_WIDTH) {
			strbuf_add_c(out, '\n');
			used = 0;
		} else if (used > 0) {
			strbuf_add_c(out, ' ');
			used++;
		}
		strbuf_add(out, word);
		used += word.n;
	}
	strbuf_add_c(out, '\n');
}

static void add_option(enum option o, struct strbuf *out)
{
	const struct option_rule *r = &option_rules[o];
	size_t from = out->n;

	strbuf_addf(out, "  %s%s%s", r->name, r->value == NULL ? "" : " ",
		    r->value == NULL ? "" : r->value);
	pad_to(out, from, DOC_COLUMN);
	strbuf_addf(out, "%s\n", r->doc);
}

void help_command(const struct command *c, struct strbuf *out)
{
	strbuf_add(out, STR("usage: "));
	help_usage(c, out);
	strbuf_addf(out, "%s\n\n", c->options[0] == OPT_END ? "" : " [--option VALUE...]");
	wrap(c->summary, out);
	if (c->detail != NULL) {
		strbuf_add_c(out, '\n');
		wrap(c->detail, out);
	}
	strbuf_add_c(out, '\n');
	for (unsigned o = OPT_END + 1; o < OPT_COUNT; o++) {
		if (option_is_in(c->options, (enum option)o) || o == OPT_HELP)
			add_option((enum option)o, out);
	}
}

static const struct command *find(const char *noun, const char *verb)
{
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *c = &commands[i];
		if (strcmp(c->noun, noun) == 0 &&
		    (verb == NULL || c->verb == NULL || strcmp(c->verb, verb) == 0) &&
		    (c->verb == NULL) == (verb == NULL))
			return c;
	}
	return NULL;
}

int help_print(const char *noun, const char *verb)
{
	struct strbuf text;
	bool ok = true;

	strbuf_init(&text, HELP_MAX);
	const struct command *c = noun == NULL ? NULL : find(noun, verb);
	if (noun == NULL)
		help_all(&text);
	else if (c != NULL)
		help_command(c, &text);
	else
		ok = verb == NULL && help_noun(noun, &text);
	if (!ok)
		(void)app_fail(EXIT_USAGE, "there is no command %s%s%s", noun,
			       verb == NULL ? "" : " ", verb == NULL ? "" : verb);
	else
		ok = app_print(strbuf_str(&text)) && fflush(stdout) == 0;
	strbuf_deinit(&text);
	return ok ? EXIT_DONE : EXIT_USAGE;
}

int cmd_help(struct app *app, const struct command *c)
{
	const struct arguments *a = &app->args;

	(void)c;
	return help_print(a->n_args > 0 ? a->args[0].p : NULL, a->n_args > 1 ? a->args[1].p : NULL);
}
