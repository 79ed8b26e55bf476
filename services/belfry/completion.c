/* The completion for bash, from the tables: nouns, verbs, options, and the words that an option is
 * known to take. It needs nothing of the bash-completion package. */
#include <stdio.h>
#include <string.h>

#include "app.h"

#define SCRIPT_MAX ((size_t)256 * 1024)

static const char head[] =
	"# bash completion of belfry; made by: belfry completion bash\n"
	"_belfry() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal noun=${COMP_WORDS[1]} verb=${COMP_WORDS[2]} verbs='' options='' words=''\n"
	"\tCOMPREPLY=()\n";

static const char tail[] = "\tif ((COMP_CWORD == 1)); then\n"
			   "\t\twords=$nouns\n"
			   "\telif ((COMP_CWORD == 2)) && [[ -n $verbs ]]; then\n"
			   "\t\twords=$verbs\n"
			   "\telif [[ -z $words ]]; then\n"
			   "\t\twords=\"$options --help\"\n"
			   "\tfi\n"
			   "\tif [[ $words == @ ]]; then\n"
			   "\t\tcompopt -o filenames\n"
			   "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
			   "\telse\n"
			   "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
			   "\tfi\n"
			   "}\n"
			   "complete -F _belfry belfry\n";

/* Whether this command is the first of its noun. */
static bool is_first(const struct command *c)
{
	return c == commands || strcmp(c[-1].noun, c->noun) != 0;
}

static void add_nouns(struct strbuf *out)
{
	const char *sep = "";

	strbuf_add(out, STR("\tlocal nouns='"));
	for (const struct command *c = commands; c < commands + commands_count; c++) {
		if (is_first(c)) {
			strbuf_addf(out, "%s%s", sep, c->noun);
			sep = " ";
		}
	}
	strbuf_add(out, STR("'\n\tcase $noun in\n"));
	for (const struct command *c = commands; c < commands + commands_count; c++) {
		if (c->verb == NULL)
			continue;
		if (is_first(c))
			strbuf_addf(out, "\t%s) verbs='%s", c->noun, c->verb);
		else
			strbuf_addf(out, " %s", c->verb);
		if (c + 1 == commands + commands_count || is_first(c + 1))
			strbuf_add(out, STR("' ;;\n"));
	}
	strbuf_add(out, STR("\tesac\n"));
}

static void add_options(struct strbuf *out)
{
	strbuf_add(out, STR("\tcase \"$noun ${verbs:+$verb}\" in\n"));
	for (const struct command *c = commands; c < commands + commands_count; c++) {
		const char *sep = "";
		strbuf_addf(out, "\t'%s %s') options='", c->noun, c->verb == NULL ? "" : c->verb);
		for (const enum option *o = c->options; *o != OPT_END; o++) {
			strbuf_addf(out, "%s%s", sep, option_rules[*o].name);
			sep = " ";
		}
		strbuf_add(out, STR("' ;;\n"));
	}
	strbuf_add(out, STR("\tesac\n"));
}

/* The words after an option. Two rows of one name may know different ones: both are offered. */
static void add_words(struct strbuf *out)
{
	strbuf_add(out, STR("\tcase $prev in\n"));
	for (unsigned o = OPT_END + 1; o < OPT_COUNT; o++) {
		const struct option_rule *r = &option_rules[o];
		bool is_known = false;
		for (unsigned before = OPT_END + 1; before < o; before++)
			is_known = is_known || (option_rules[before].words != NULL &&
						strcmp(option_rules[before].name, r->name) == 0);
		if (r->words != NULL && !is_known)
			strbuf_addf(out, "\t%s) words='%s' ;;\n", r->name, r->words);
	}
	strbuf_add(out, STR("\tesac\n"));
}

int cmd_completion(struct app *app, const struct command *c)
{
	struct strbuf out;

	(void)app, (void)c;
	strbuf_init(&out, SCRIPT_MAX);
	strbuf_add(&out, str_from(head));
	add_nouns(&out);
	add_options(&out);
	add_words(&out);
	strbuf_add(&out, str_from(tail));
	bool ok = !strbuf_overflowed(&out) && app_print(strbuf_str(&out));
	strbuf_deinit(&out);
	return ok ? EXIT_DONE : EXIT_REFUSED;
}
