/* One table; the kinds know how to read their values. */
#include "options.h"

#include <stdio.h>

#include "base/parse.h"
#include "pg/pg_codec.h"

enum option_kind { KIND_TEXT, KIND_NUMBER, KIND_LIMIT, KIND_WORKSPACE, KIND_TRUNK, KIND_FLAG };

struct option_rule {
	const char *name;
	enum option_kind kind;
	const char *value; /* as shown in the usage */
	int64_t min, max;  /* of a number, or of a text's bytes */
};

static const struct option_rule rules[OPT_COUNT] = {
	[OPT_WAIT] = { "--wait", KIND_NUMBER, "SECONDS", 1, 86400 },
	[OPT_NAME] = { "--name", KIND_TEXT, "NAME", 1, 200 },
	[OPT_WORKSPACE] = { "--workspace", KIND_WORKSPACE, "ws_...", 0, 0 },
	[OPT_TRUNK] = { "--trunk", KIND_TRUNK, "trk_...", 0, 0 },
	[OPT_TIMEZONE] = { "--timezone", KIND_TEXT, "ZONE", 1, 64 },
	[OPT_SCOPES] = { "--scopes", KIND_TEXT, "read,write,control,admin,operator", 1, 100 },
	[OPT_DIALER] = { "--dialer", KIND_TEXT, "sim|sip|twilio", 1, 16 },
	[OPT_E164] = { "--e164", KIND_TEXT, "+NUMBER", 1, 16 },
	[OPT_CALLS_PER_MINUTE] = { "--calls-per-minute", KIND_LIMIT, "N|none", 1, 6000000 },
	[OPT_MAX_CONCURRENT] = { "--max-concurrent", KIND_LIMIT, "N|none", 1, 1000000 },
	[OPT_REQUESTS_PER_MINUTE] = { "--requests-per-minute", KIND_LIMIT, "N|none", 1, 6000000 },
	[OPT_CREDIT_S] = { "--credit-s", KIND_LIMIT, "N|none", 0, INT64_C(1000000000000) },
	[OPT_BILLING_INCREMENT_S] = { "--billing-increment-s", KIND_NUMBER, "N", 1, 3600 },
	[OPT_ADD_S] = { "--add-s", KIND_NUMBER, "N", -INT64_C(1000000000000),
			INT64_C(1000000000000) },
	[OPT_RATE_PER_MINUTE] = { "--rate-per-minute", KIND_LIMIT, "N|none", 1, 1000000 },
	[OPT_TEST] = { "--test", KIND_FLAG, "", 0, 0 },
};

static struct err parse_one(const struct option_rule *r, struct str value, enum option o,
			    struct options *out)
{
	int64_t n;

	switch (r->kind) {
	case KIND_TEXT:
		if (value.n < (size_t)r->min || value.n > (size_t)r->max || !str_is_utf8(value))
			return ERR(ERR_INVALID, "the text is too short, too long or not UTF-8");
		out->text[o] = value;
		return OK;
	case KIND_LIMIT:
		if (str_eq(value, STR("none")))
			return OK;
		TRY(parse_i64(value, r->min, r->max, &n));
		out->number[o] = n;
		return OK;
	case KIND_NUMBER:
		TRY(parse_i64(value, r->min, r->max, &n));
		out->number[o] = n;
		return OK;
	case KIND_WORKSPACE:
		return id_parse(ID_WORKSPACE, value, &out->workspace);
	case KIND_TRUNK:
		return id_parse(ID_TRUNK, value, &out->trunk);
	case KIND_FLAG:
		return OK;
	}
	return ERR(ERR_INTERNAL, "an option of no kind");
}

static struct err fault(const char *option, const char *what)
{
	fprintf(stderr, "belfry-admin: %s: %s\n", option, what);
	return ERR(ERR_INVALID, "the command line is wrong");
}

static enum option find(const char *name, unsigned allowed)
{
	for (unsigned o = 0; o < OPT_COUNT; o++) {
		if ((allowed & OPT_BIT(o)) != 0 && str_eq(str_from(name), str_from(rules[o].name)))
			return (enum option)o;
	}
	return OPT_COUNT;
}

struct err options_parse(int argc, char **argv, unsigned allowed, unsigned required,
			 struct options *out)
{
	struct options opts = { .given = 0 };

	for (int o = 0; o < OPT_COUNT; o++)
		opts.number[o] = PG_NULL_I64;
	for (int i = 0; i < argc; i++) {
		enum option o = find(argv[i], allowed);
		if (o == OPT_COUNT)
			return fault(argv[i], "this command has no such option");
		if ((opts.given & OPT_BIT(o)) != 0)
			return fault(argv[i], "given twice");
		opts.given |= OPT_BIT(o);
		if (rules[o].kind == KIND_FLAG)
			continue;
		if (i + 1 == argc)
			return fault(argv[i], "a value is missing");
		struct err e = parse_one(&rules[o], str_from(argv[i + 1]), o, &opts);
		if (is_err(e))
			return fault(argv[i], e.what);
		i++;
	}
	for (unsigned o = 0; o < OPT_COUNT; o++) {
		if ((required & ~opts.given & OPT_BIT(o)) != 0)
			return fault(rules[o].name, "this option is required");
	}
	*out = opts;
	return OK;
}

void options_print(unsigned allowed, unsigned required)
{
	for (unsigned o = 0; o < OPT_COUNT; o++) {
		if ((allowed & OPT_BIT(o)) == 0)
			continue;
		const char *blank = *rules[o].value == '\0' ? "" : " ";
		if ((required & OPT_BIT(o)) != 0)
			fprintf(stderr, " %s%s%s", rules[o].name, blank, rules[o].value);
		else
			fprintf(stderr, " [%s%s%s]", rules[o].name, blank, rules[o].value);
	}
}
