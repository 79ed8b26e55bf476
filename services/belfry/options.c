/* The table, and a parser that knows nothing of what the values mean: the API judges them. */
#include "options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"

#define Q PLACE_QUERY
#define B PLACE_BODY
#define L PLACE_LOCAL

#define OUTCOMES                                                                                   \
	"answered answered_machine busy no_answer rejected invalid_number carrier_error "          \
	"rate_limited agent_unavailable config_error expired suppressed cancelled uncertain"
#define EVENT_TYPES                                                                                \
	"scheduled_call.created scheduled_call.dispatched scheduled_call.failed "                  \
	"scheduled_call.cancelled conversation.completed campaign.completed campaign.paused "      \
	"webhook_endpoint.disabled webhook_endpoint.test"

/* clang-format off */
const struct option_rule option_rules[OPT_COUNT] = {
	[OPT_END] = { "", OPTION_FLAG, L, NULL, NULL, "", NULL },
	[OPT_KIND] = { "--kind", OPTION_TEXT, B, "KIND", "kind",
		       "bulk or recurring; left out: recurring with --cron, bulk otherwise",
		       "bulk recurring" },
	[OPT_NAME] = { "--name", OPTION_TEXT, B, "NAME", "name", "what people call it", NULL },
	[OPT_DESCRIPTION] = { "--description", OPTION_TEXT, B, "TEXT", "description",
			      "for people", NULL },
	[OPT_AGENT] = { "--agent", OPTION_TEXT, B, "AGENT", "agent_id",
			"the voice agent's id (agt_...)", NULL },
	[OPT_FROM] = { "--from", OPTION_TEXT, B, "NUMBER", "from_number",
		       "one of the workspace's numbers to call from", NULL },
	[OPT_TO] = { "--to", OPTION_TEXT, B, "NUMBER", "to_number", "the number to call", NULL },
	[OPT_TO_FILTER] = { "--to", OPTION_TEXT, Q, "NUMBER", "to_number",
			    "those to this number only", NULL },
	[OPT_RATE] = { "--rate", OPTION_NUMBER, B, "N", "rate_limit_per_minute",
		       "calls a minute, of a bulk campaign", NULL },
	[OPT_CRON] = { "--cron", OPTION_TEXT, B, "CRON", "cron",
		       "when a recurring campaign calls, in five fields", NULL },
	[OPT_TIMEZONE] = { "--timezone", OPTION_TEXT, B, "ZONE", "timezone",
			   "an IANA name, such as Asia/Kolkata; left out: the workspace's", NULL },
	[OPT_END_AT] = { "--end-at", OPTION_TEXT, B, "TIME", "end_at",
			 "no occurrence then or later, such as 2026-12-31T00:00:00Z", NULL },
	[OPT_AT] = { "--at", OPTION_TEXT, B, "TIME", "scheduled_at",
		     "when to call, such as 2026-12-31T09:00:00Z; left out: now", NULL },
	[OPT_MAX_ATTEMPTS] = { "--max-attempts", OPTION_NUMBER, B, "N", "max_attempts",
			       "dials at most, 1 to 10", NULL },
	[OPT_RETRY_POLICY] = { "--retry-policy", OPTION_JSON, B, "JSON|@FILE", "retry_policy",
			       "which outcomes are retried, and when", "@" },
	[OPT_CALLING_WINDOWS] = { "--calling-windows", OPTION_JSON, B, "JSON|@FILE",
				  "calling_windows", "when calls may be made", "@" },
	[OPT_VARIABLES] = { "--variables", OPTION_JSON, B, "JSON|@FILE", "variables",
			    "handed to the agent", "@" },
	[OPT_EXTERNAL_ID] = { "--external-id", OPTION_TEXT, B, "ID", "external_id",
			      "your own id of it", NULL },
	[OPT_RING_TIMEOUT] = { "--ring-timeout", OPTION_NUMBER, B, "SECONDS", "ring_timeout_s",
			       "how long it rings", NULL },
	[OPT_MAX_DURATION] = { "--max-duration", OPTION_NUMBER, B, "SECONDS", "max_duration_s",
			       "how long a conversation may last", NULL },
	[OPT_CSV] = { "--csv", OPTION_TEXT, L, "FILE", NULL,
		      "targets from a CSV file of any size, - for standard input", "@" },
	[OPT_REGION] = { "--region", OPTION_TEXT, L, "XX", NULL,
			 "region of the file's numbers without a plus sign, such as IN", NULL },
	[OPT_START] = { "--start", OPTION_FLAG, L, NULL, NULL, "start it at once", NULL },
	[OPT_NO_WAIT] = { "--no-wait", OPTION_FLAG, L, NULL, NULL,
			  "end once the file is sent, before its rows are targets", NULL },
	[OPT_CAMPAIGN_KIND] = { "--kind", OPTION_TEXT, Q, "KIND", "kind", "those of this kind only",
				"bulk recurring" },
	[OPT_STATUS] = { "--status", OPTION_TEXT, Q, "STATUS", "status",
			 "those with this status only",
			 "draft active paused completed cancelled pending scheduled dialing "
			 "dispatched failed skipped in_progress delivered dead_letter expired revoked" },
	[OPT_OUTCOME] = { "--outcome", OPTION_TEXT, Q, "OUTCOME", "outcome",
			  "those whose last attempt had this outcome only", OUTCOMES },
	[OPT_SEARCH] = { "--search", OPTION_TEXT, Q, "TEXT", "q",
			 "those with this in their name or number only", NULL },
	[OPT_EVERY] = { "--every", OPTION_FLAG, L, NULL, NULL,
			"all targets that can be skipped", NULL },
	[OPT_CAMPAIGN] = { "--campaign", OPTION_TEXT, Q, "CAMPAIGN", "campaign_id",
			   "those of this campaign only", NULL },
	[OPT_CALL] = { "--call", OPTION_TEXT, Q, "CALL", "call_id", "those of this call only", NULL },
	[OPT_SCHEDULED_FROM] = { "--since", OPTION_TEXT, Q, "TIME", "from",
				 "those planned at this instant or later", NULL },
	[OPT_SCHEDULED_UNTIL] = { "--until", OPTION_TEXT, Q, "TIME", "until",
				  "those planned before this instant", NULL },
	[OPT_ENDPOINT_URL] = { "--url", OPTION_TEXT, B, "URL", "url", "where to send events", NULL },
	[OPT_EVENTS] = { "--events", OPTION_LIST, B, "TYPE,...", "events",
			 "types of events, * for all", "* " EVENT_TYPES },
	[OPT_OVERLAP] = { "--overlap", OPTION_NUMBER, B, "SECONDS", "overlap_s",
			  "how long the secret before signs too; a day where left out", NULL },
	[OPT_FORCE] = { "--force", OPTION_FLAG, B, NULL, "force",
			"also while two secrets sign", NULL },
	[OPT_SINCE] = { "--since", OPTION_TEXT, B, "TIME", "since",
			"an endpoint's deliveries created at this instant or later", NULL },
	[OPT_UNTIL] = { "--until", OPTION_TEXT, B, "TIME", "until",
			"those created before this instant", NULL },
	[OPT_REPLAY_TYPES] = { "--types", OPTION_LIST, B, "TYPE,...", "types",
			       "those of events of these types only", EVENT_TYPES },
	[OPT_REPLAY_STATUS] = { "--status", OPTION_TEXT, B, "STATUS", "status",
				"those with this status only", "delivered dead_letter" },
	[OPT_PORT] = { "--port", OPTION_NUMBER, L, "N", NULL, "port to listen on; any free one", NULL },
	[OPT_BIND] = { "--bind", OPTION_TEXT, L, "ADDRESS", NULL,
		       "address to listen on; 127.0.0.1", NULL },
	[OPT_PUBLIC_URL] = { "--url", OPTION_TEXT, L, "URL", NULL,
			     "how the API reaches this receiver; http://ADDRESS:PORT/", NULL },
	[OPT_LISTEN_EVENTS] = { "--events", OPTION_TEXT, L, "TYPE,...", NULL,
				"types of events; all", "* " EVENT_TYPES },
	[OPT_SECRET_FILE] = { "--secret-file", OPTION_TEXT, L, "FILE", NULL,
			      "make no endpoint; verify by the secret in this file", "@" },
	[OPT_EVENT_COUNT] = { "--count", OPTION_NUMBER, L, "N", NULL, "end after so many events", NULL },
	[OPT_AFTER_SEQUENCE] = { "--after", OPTION_NUMBER, L, "SEQUENCE", NULL,
				 "begin after this one; left out: ten before the newest", NULL },
	[OPT_TYPES] = { "--types", OPTION_TEXT, Q, "TYPE,...", "types",
			"events of these types only", EVENT_TYPES },
	[OPT_NO_FOLLOW] = { "--no-follow", OPTION_FLAG, L, NULL, NULL,
			    "end with the newest event", NULL },
	[OPT_COUNT_PREVIEW] = { "--count", OPTION_NUMBER, B, "N", "count",
				"how many, 1 to 100; 5 where left out", NULL },
	[OPT_AFTER] = { "--after", OPTION_TEXT, B, "TIME", "after", "later than this; now", NULL },
	[OPT_ENDPOINT] = { "--endpoint", OPTION_JSON, B, "JSON|@FILE", "endpoint",
			   "where the agent is reached, such as {\"sip_uri\":\"sip:...\"}", "@" },
	[OPT_TRUNK] = { "--trunk", OPTION_TEXT, B, "TRUNK", "trunk_id",
			"the trunk it stands on (trk_...)", NULL },
	[OPT_DIALER] = { "--dialer", OPTION_TEXT, B, "DIALER", "dialer", "which dialer serves it",
			 "sim sip twilio" },
	[OPT_SETTINGS] = { "--settings", OPTION_JSON, B, "JSON|@FILE", "settings",
			   "of the trunk; secrets in them are never shown again", "@" },
	[OPT_CALLS_PER_MINUTE] = { "--calls-per-minute", OPTION_LIMIT, B, "N|none",
				   "calls_per_minute", "limit of its own", "none" },
	[OPT_MAX_CONCURRENT] = { "--max-concurrent", OPTION_LIMIT, B, "N|none", "max_concurrent",
				 "calls at a time", "none" },
	[OPT_REQUESTS_PER_MINUTE] = { "--requests-per-minute", OPTION_LIMIT, B, "N|none",
				      "requests_per_minute",
				      "requests a minute of all keys and sessions", "none" },
	[OPT_BILLING_INCREMENT] = { "--billing-increment", OPTION_NUMBER, B, "SECONDS",
				    "billing_increment_s", "what durations are rounded up to", NULL },
	[OPT_SCOPES] = { "--scopes", OPTION_LIST, B, "SCOPE,...", "scopes",
			 "of read, write, control, admin and operator",
			 "read write control admin operator" },
	[OPT_RATE_PER_MINUTE] = { "--rate-per-minute", OPTION_LIMIT, B, "N|none", "rate_per_minute",
				  "requests a minute", "none" },
	[OPT_EXPIRES_AT] = { "--expires-at", OPTION_TEXT, B, "TIME", "expires_at",
			     "when it is good no more", NULL },
	[OPT_REASON] = { "--reason", OPTION_TEXT, B, "TEXT", "reason", "why", NULL },
	[OPT_ACTION] = { "--action", OPTION_TEXT, Q, "ACTION", "action",
			 "of this action only, such as campaign.start", NULL },
	[OPT_KEY] = { "--key", OPTION_TEXT, Q, "KEY", "key_id", "by this key only", NULL },
	[OPT_SUBJECT] = { "--subject", OPTION_TEXT, Q, "ID", "subject", "about this object only", NULL },
	[OPT_OUTPUT] = { "--output", OPTION_TEXT, L, "FILE", NULL,
			 "write here, whole or not at all; standard output", "@" },
	[OPT_URL] = { "--url", OPTION_TEXT, L, "URL", NULL,
		      "where the API is; BELFRY_URL where left out", NULL },
	[OPT_LIMIT] = { "--limit", OPTION_NUMBER, Q, "N", "limit", "items of a page, 1 to 200; 50", NULL },
	[OPT_CURSOR] = { "--cursor", OPTION_TEXT, Q, "CURSOR", "cursor",
			 "go on where another page ended", NULL },
	[OPT_ALL] = { "--all", OPTION_FLAG, L, NULL, NULL, "all pages", NULL },
	[OPT_IDEMPOTENCY_KEY] = { "--idempotency-key", OPTION_TEXT, L, "KEY", NULL,
				  "one effect however often it is repeated; a fresh one", NULL },
	[OPT_JSON] = { "--json", OPTION_FLAG, L, NULL, NULL, "the API's own bytes", NULL },
	[OPT_HELP] = { "--help", OPTION_FLAG, L, NULL, NULL, "this help", NULL },
};
/* clang-format on */

static struct err fault(char out[OPTION_FAULT_SIZE], const char *fmt, ...) PRINTF_LIKE(2, 3);
static struct err fault(char out[OPTION_FAULT_SIZE], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(out, OPTION_FAULT_SIZE, fmt, args); /* a long one is cut */
	va_end(args);
	return ERR(ERR_INVALID, "the command line is wrong");
}

bool option_is_in(const enum option *list, enum option o)
{
	for (; *list != OPT_END; list++) {
		if (*list == o)
			return true;
	}
	return false;
}

enum option option_of_field(const enum option *list, struct str field)
{
	for (; *list != OPT_END; list++) {
		const struct option_rule *r = &option_rules[*list];
		if (r->place != PLACE_LOCAL && str_eq(field, str_from(r->field)))
			return *list;
	}
	return OPT_END;
}

void option_arity(const char *arity, size_t *min_out, size_t *max_out)
{
	struct str rest = str_from(arity), word;

	*min_out = 0;
	*max_out = 0;
	while (rest.n > 0) {
		(void)str_split(rest, ' ', &word, &rest); /* the last word has no blank after it */
		bool is_optional = str_starts(word, STR("["));
		if (!is_optional)
			++*min_out;
		if (str_ends(word, STR("...]")) || str_ends(word, STR("...")))
			*max_out = ARGUMENTS_MAX;
		else
			++*max_out;
	}
}

static enum option find(const enum option *allowed, struct str name)
{
	for (const enum option *o = allowed; *o != OPT_END; o++) {
		if (str_eq(name, str_from(option_rules[*o].name)))
			return *o;
	}
	return str_eq(name, STR("--help")) || str_eq(name, STR("-h")) ? OPT_HELP : OPT_END;
}

static struct err judge(enum option o, struct str value, char out[OPTION_FAULT_SIZE])
{
	const struct option_rule *r = &option_rules[o];
	int64_t n;
	bool is_number = r->kind == OPTION_NUMBER ||
			 (r->kind == OPTION_LIMIT && !str_eq(value, STR("none")));

	if (!str_is_utf8(value))
		return fault(out, "%s: the value is not UTF-8", r->name);
	if (is_number && is_err(parse_i64(value, INT64_MIN, INT64_MAX, &n)))
		return fault(out, "%s: %.*s is not a whole number%s", r->name,
			     (int)min_size(value.n, 60), value.p,
			     r->kind == OPTION_LIMIT ? ", and not none" : "");
	return OK;
}

struct cursor {
	int argc, at;
	char **argv;
};

/* One option, with its value, which may be the next word. */
static struct err take_option(struct cursor *c, const enum option *allowed, struct arguments *a,
			      char out[OPTION_FAULT_SIZE])
{
	struct str name, value;
	bool has_value = str_split(str_from(c->argv[c->at]), '=', &name, &value);
	enum option o = find(allowed, name);
	const struct option_rule *r = &option_rules[o];

	if (o == OPT_END)
		return fault(out, "this command has no option %.*s", (int)min_size(name.n, 100),
			     name.p);
	if (a->given[o])
		return fault(out, "%s: given twice", r->name);
	a->given[o] = true;
	if (r->kind == OPTION_FLAG) {
		return has_value ? fault(out, "%s: takes no value", r->name) : OK;
	}
	if (!has_value) {
		if (c->at + 1 >= c->argc)
			return fault(out, "%s: %s is missing", r->name, r->value);
		value = str_from(c->argv[++c->at]);
	}
	TRY(judge(o, value, out));
	a->value[o] = value;
	return OK;
}

static struct err count(const struct arguments *a, const char *arity, char out[OPTION_FAULT_SIZE])
{
	size_t min, max;

	option_arity(arity, &min, &max);
	if (a->n_args < min || a->n_args > max) {
		if (max == 0)
			return fault(out, "this command takes no argument such as %.*s",
				     (int)min_size(a->args[0].n, 60), a->args[0].p);
		return fault(out, "this command takes %s", arity);
	}
	for (size_t i = 0; i < a->n_args; i++) {
		if (a->args[i].n == 0 || !str_is_utf8(a->args[i]))
			return fault(out, "an argument is empty or not UTF-8");
	}
	return OK;
}

struct err options_parse(int argc, char **argv, struct options_wanted wanted, struct arguments *out,
			 char text[OPTION_FAULT_SIZE])
{
	struct arguments a = { .n_args = 0 };
	struct cursor c = { .argc = argc, .argv = argv };
	bool is_plain = false;
	struct err e = OK;

	a.args = xcalloc((size_t)argc + 1, sizeof(*a.args));
	for (; c.at < argc && !is_err(e); c.at++) {
		const char *word = argv[c.at];
		if (!is_plain && strcmp(word, "--") == 0)
			is_plain = true;
		else if (!is_plain && word[0] == '-' && word[1] != '\0')
			e = take_option(&c, wanted.allowed, &a, text);
		else
			a.args[a.n_args++] = str_from(word);
	}
	if (!is_err(e) && !a.given[OPT_HELP])
		e = count(&a, wanted.arity, text);
	if (is_err(e)) {
		arguments_deinit(&a);
		return e;
	}
	*out = a;
	return OK;
}

void arguments_deinit(struct arguments *a)
{
	free(a->args);
	a->args = NULL;
	a->n_args = 0;
}
