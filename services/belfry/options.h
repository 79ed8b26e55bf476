/* The options of all commands, in one table: what they are called, what they take, and which member
 * of the request they become. A command says which of them it takes (commands.h). Pure. */
#ifndef BELFRY_CLI_OPTIONS_H
#define BELFRY_CLI_OPTIONS_H

#include "base/err.h"
#include "base/str.h"

/* In the order in which help shows them and requests carry them. */
enum option {
	OPT_END = 0, /* of a command's list */
	OPT_KIND,
	OPT_NAME,
	OPT_DESCRIPTION,
	OPT_AGENT,
	OPT_FROM,
	OPT_TO,
	OPT_TO_FILTER,
	OPT_RATE,
	OPT_CRON,
	OPT_TIMEZONE,
	OPT_END_AT,
	OPT_AT,
	OPT_MAX_ATTEMPTS,
	OPT_RETRY_POLICY,
	OPT_CALLING_WINDOWS,
	OPT_VARIABLES,
	OPT_EXTERNAL_ID,
	OPT_RING_TIMEOUT,
	OPT_MAX_DURATION,
	OPT_CSV,
	OPT_REGION,
	OPT_START,
	OPT_NO_WAIT,
	OPT_CAMPAIGN_KIND,
	OPT_STATUS,
	OPT_OUTCOME,
	OPT_SEARCH,
	OPT_EVERY,
	OPT_CAMPAIGN,
	OPT_CALL,
	OPT_SCHEDULED_FROM,
	OPT_SCHEDULED_UNTIL,
	OPT_ENDPOINT_URL,
	OPT_EVENTS,
	OPT_OVERLAP,
	OPT_FORCE,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_REPLAY_TYPES,
	OPT_REPLAY_STATUS,
	OPT_PORT,
	OPT_BIND,
	OPT_PUBLIC_URL,
	OPT_LISTEN_EVENTS,
	OPT_SECRET_FILE,
	OPT_EVENT_COUNT,
	OPT_AFTER_SEQUENCE,
	OPT_TYPES,
	OPT_NO_FOLLOW,
	OPT_COUNT_PREVIEW,
	OPT_AFTER,
	OPT_ENDPOINT,
	OPT_TRUNK,
	OPT_DIALER,
	OPT_SETTINGS,
	OPT_CALLS_PER_MINUTE,
	OPT_MAX_CONCURRENT,
	OPT_REQUESTS_PER_MINUTE,
	OPT_BILLING_INCREMENT,
	OPT_SCOPES,
	OPT_RATE_PER_MINUTE,
	OPT_EXPIRES_AT,
	OPT_REASON,
	OPT_ACTION,
	OPT_KEY,
	OPT_SUBJECT,
	OPT_OUTPUT,
	OPT_URL,
	OPT_LIMIT,
	OPT_CURSOR,
	OPT_ALL,
	OPT_IDEMPOTENCY_KEY,
	OPT_JSON,
	OPT_HELP,
	OPT_COUNT
};

enum option_kind {
	OPTION_FLAG = 0, /* takes no value; in a body true */
	OPTION_TEXT,
	OPTION_NUMBER, /* a whole number */
	OPTION_LIMIT,  /* a whole number, or none for null */
	OPTION_LIST,   /* words with commas between them */
	OPTION_JSON    /* JSON, or @FILE with JSON in it */
};

enum option_place { PLACE_LOCAL = 0, PLACE_QUERY, PLACE_BODY };

struct option_rule {
	const char *name; /* "--rate" */
	enum option_kind kind;
	enum option_place place;
	const char *value; /* as help shows it; NULL of a flag */
	const char *field; /* member of the body, or query parameter */
	const char *doc;
	const char
		*words; /* what completion offers, blanks between them; NULL = nothing, "@" files */
};

extern const struct option_rule option_rules[OPT_COUNT];

#define OPTION_FAULT_SIZE 256
#define ARGUMENTS_MAX ((size_t)10000) /* as many numbers as one request takes */

struct arguments {
	bool given[OPT_COUNT];
	struct str value[OPT_COUNT]; /* STR_NONE where not given */
	struct str *args;            /* what is no option, in order */
	size_t n_args;
};

/* Parses what follows the command's words. `allowed` ends with OPT_END; --help is always. Options
 * may stand anywhere, as --name value or --name=value; after -- nothing is an option. `arity` is as
 * in commands.h: "CAMPAIGN [NUMBER...]". Texts are borrowed from argv. On failure `fault` says what
 * is wrong. --help given: the arguments are not counted. */
struct options_wanted {
	const enum option *allowed;
	const char *arity;
};
struct err options_parse(int argc, char **argv, struct options_wanted wanted, struct arguments *out,
			 char fault[OPTION_FAULT_SIZE]) MUST_USE;
void arguments_deinit(struct arguments *a); /* accepts a zeroed one */

bool option_is_in(const enum option *list, enum option o);
/* The option of the list that becomes a body's member; OPT_END when there is none. */
enum option option_of_field(const enum option *list, struct str field);
/* The least and the greatest number of arguments that an arity allows. */
void option_arity(const char *arity, size_t *min_out, size_t *max_out);

#endif
