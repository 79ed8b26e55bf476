/* The manual page, from the tables. docs/belfry.1 is what this prints; a lint says when it is not. */
#include <stdio.h>
#include <string.h>

#include "app.h"

#define PAGE_MAX ((size_t)256 * 1024)
#define PAGE_DATE "2026-11-29" /* of the last change that is more than a word */

static const char head[] =
	".SH NAME\n"
	"belfry \\- campaigns of outbound calls from the command line\n"
	".SH SYNOPSIS\n"
	".B belfry\n"
	".I noun verb\n"
	".RI [ argument ...]\n"
	".RB [ \\-\\-option\n"
	".IR value ...]\n"
	".br\n"
	".B belfry \\-\\-print\\-config\n"
	"|\n"
	".B \\-\\-version\n"
	".SH DESCRIPTION\n"
	"Talks to the HTTP API of a Belfry installation. It needs the URL and a key: from the\n"
	"environment, or from\n"
	".BR \"belfry login\" ,\n"
	"which stores both.\n"
	".PP\n"
	"What is asked for goes to standard output: tables as wide as the terminal for people, "
	"whole\n"
	"and without colours into files and pipes. With\n"
	".B \\-\\-json\n"
	"it is the API's own bytes, a page or an object a line; then a failure's bytes, too, go "
	"to\n"
	"standard error in the place of its words. Times are UTC, and given as RFC 3339.\n"
	".PP\n"
	"Each POST carries an Idempotency\\-Key. A request that may be repeated is, where the API "
	"asks\n"
	"to come back later (429, 503) or the connection was lost, within a minute; one that may "
	"not\n"
	"is repeated only where it was refused for the rate of requests.\n"
	".PP\n"
	"An option's value follows it as a word of its own or after an equals sign. After\n"
	".B \\-\\-\n"
	"nothing is an option.\n";

static const char tail[] =
	".SH ENVIRONMENT\n"
	".TP\n"
	".BR BELFRY_URL ,\\  BELFRY_API_KEY\n"
	"Where the API is, and the key. They go before what login stored; the stored key is sent "
	"to\n"
	"the stored URL only.\n"
	".TP\n"
	".B BELFRY_CA_FILE\n"
	"The authorities that the API's certificate is checked against, in the place of the "
	"system's.\n"
	".TP\n"
	".B NO_COLOR\n"
	"No colours, whatever it says.\n"
	".TP\n"
	".BR http_proxy ,\\  https_proxy ,\\  no_proxy\n"
	"As for\n"
	".BR curl (1).\n"
	".SH FILES\n"
	".TP\n"
	".I $XDG_CONFIG_HOME/belfry/session\n"
	"URL and key, readable by its owner only;\n"
	".I ~/.config/belfry/session\n"
	"without that variable.\n"
	".SH EXAMPLES\n"
	"A campaign of a file, watched while it calls:\n"
	".PP\n"
	".nf\n"
	"belfry campaigns create \\-\\-name First \\-\\-agent agt_... \\-\\-from +15550100000 \\e\n"
	"    \\-\\-rate 60 \\-\\-csv targets.csv \\-\\-start\n"
	"belfry campaigns watch cmp_...\n"
	".fi\n"
	".PP\n"
	"The numbers of all that failed:\n"
	".PP\n"
	".nf\n"
	"belfry targets list cmp_... \\-\\-status failed \\-\\-all \\-\\-json | jq \\-r "
	"\\(aq.data[].to_number\\(aq\n"
	".fi\n"
	".SH SEE ALSO\n"
	"The API in whole is served at\n"
	".I /openapi.yaml\n"
	"by each installation.\n";

/* Text as roff: nothing in it is a request, and a minus is no hyphen. */
static void add_text(struct strbuf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		strbuf_add(out, STR("\\&"));
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			strbuf_add(out, STR("\\e"));
		else if (*text == '-')
			strbuf_add(out, STR("\\-"));
		else if (*text == '\'')
			strbuf_add(out, STR("\\(aq"));
		else if (*text == '~')
			strbuf_add(out, STR("\\(ti"));
		else
			strbuf_add_c(out, *text);
	}
}

/* A sentence: it begins large and ends with a full stop. */
static void add_sentence(struct strbuf *out, const char *text)
{
	char first = text[0];

	if (first >= 'a' && first <= 'z') {
		strbuf_add_c(out, (char)(first - 'a' + 'A'));
		text++;
	}
	add_text(out, text);
	strbuf_add(out, str_ends(str_from(text), STR(".")) ? STR("\n") : STR(".\n"));
}

static void add_options(struct strbuf *out, const struct command *c)
{
	for (unsigned o = OPT_END + 1; o < OPT_COUNT; o++) {
		const struct option_rule *r = &option_rules[o];
		if (!option_is_in(c->options, (enum option)o))
			continue;
		strbuf_add(out, STR(".TP\n\\fB"));
		add_text(out, r->name);
		strbuf_add(out, STR("\\fR"));
		if (r->value != NULL) {
			strbuf_add(out, STR(" \\fI"));
			add_text(out, r->value);
			strbuf_add(out, STR("\\fR"));
		}
		strbuf_add_c(out, '\n');
		add_sentence(out, r->doc);
	}
}

static void add_command(struct strbuf *out, const struct command *c)
{
	strbuf_add(out, STR(".SS \"belfry "));
	add_text(out, c->noun);
	if (c->verb != NULL) {
		strbuf_add_c(out, ' ');
		add_text(out, c->verb);
	}
	if (*c->arity != '\0') {
		strbuf_add_c(out, ' ');
		add_text(out, c->arity);
	}
	strbuf_add(out, STR("\"\n"));
	add_sentence(out, c->summary);
	if (c->detail != NULL)
		add_sentence(out, c->detail);
	add_options(out, c);
}

int cmd_manual(struct app *app, const struct command *c)
{
	struct strbuf out;

	(void)app, (void)c;
	strbuf_init(&out, PAGE_MAX);
	strbuf_add(&out, STR(".\\\" Made by: belfry manual\n.TH BELFRY 1 \"" PAGE_DATE
			     "\" \"Belfry " BELFRY_VERSION "\" \"Belfry\"\n"));
	strbuf_add(&out, str_from(head));
	strbuf_add(&out, STR(".SH COMMANDS\n"));
	for (size_t i = 0; i < commands_count; i++)
		add_command(&out, &commands[i]);
	strbuf_add(&out, STR(".SH EXIT STATUS\n"));
	for (size_t i = 0; i < EXIT_MEANINGS; i++) {
		strbuf_addf(&out, ".TP\n.B %d\n", exit_meanings[i].code);
		add_text(&out, exit_meanings[i].meaning);
		strbuf_add_c(&out, '\n');
	}
	strbuf_add(&out, str_from(tail));
	bool ok = !strbuf_overflowed(&out) && app_print(strbuf_str(&out));
	strbuf_deinit(&out);
	return ok ? EXIT_DONE : EXIT_REFUSED;
}
