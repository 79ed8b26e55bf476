/* A table for the plain members, and code for the words. */
#include "wire/sip_trunk.h"

#include "base/parse.h"

#define KEEP_ALIVE_US (30 * USEC_PER_SEC)
#define CPS_MAX 10000.0

struct raw {
	struct sip_trunk t;
	struct str transport, flow, agent_start;
	const struct json_value *outcomes;
};

#define AT(member) offsetof(struct raw, member)
#define TEXT(name_, member, max_)                                                                  \
	{                                                                                          \
		.name = (name_), .kind = JSON_K_STR, .offset = AT(member), .max = (max_),          \
		.nullable = true, .present_offset = SIZE_MAX                                       \
	}

static const struct json_field fields[] = {
	{ .name = "host",
	  .kind = JSON_K_STR,
	  .offset = AT(t.host),
	  .present_offset = SIZE_MAX,
	  .required = true,
	  .min = 1,
	  .max = SIP_URI_MAX },
	TEXT("transport", transport, 16),
	TEXT("username", t.username, 128),
	TEXT("password", t.password, 256),
	TEXT("flow", flow, 32),
	TEXT("agent_start", agent_start, 32),
	TEXT("advertise_ip", t.advertise_ip, 45),
	TEXT("ca", t.ca, SIP_CA_MAX),
	TEXT("verify_host", t.verify_host, SIP_URI_MAX),
	TEXT("from_domain", t.from_domain, SIP_URI_MAX),
	{ .name = "max_concurrent",
	  .kind = JSON_K_I64,
	  .offset = AT(t.max_concurrent),
	  .present_offset = SIZE_MAX,
	  .nullable = true,
	  .min = 1,
	  .max = 1000000 },
	{ .name = "keep_alive_s",
	  .kind = JSON_K_SECONDS,
	  .offset = AT(t.keep_alive_us),
	  .present_offset = SIZE_MAX,
	  .nullable = true,
	  .min = 0,
	  .max = 3600 * USEC_PER_SEC },
	{ .name = "outcomes",
	  .kind = JSON_K_OBJECT,
	  .offset = AT(outcomes),
	  .present_offset = SIZE_MAX,
	  .nullable = true },
};

static void fault(struct json_faults *f, const char *base, const char *key, const char *detail)
{
	json_fault_add(f, base, key, "validation_error", detail);
}

/* Letters, digits and what stands in names, addresses and ports. */
static bool is_host(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_word =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_word && c != '.' && c != '-' && c != ':' && c != '[' && c != ']' &&
		    c != '_')
			return false;
	}
	return s.n > 0;
}

/* Quotes and line ends would change the header that it is written into. */
static bool is_credential(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == '"' || s.p[i] == '\\' ||
		    s.p[i] == 0x7f)
			return false;
	}
	return true;
}

static size_t word_of(struct str s, const char *const *words, size_t n)
{
	size_t i = 0;

	while (i < n && !str_eq(s, str_from(words[i])))
		i++;
	return i;
}

static void read_words(struct raw *r, const char *base, struct json_faults *f)
{
	static const char *const transports[] = { "udp", "tcp", "tls", "dns" };
	static const char *const flows[] = { "early_offer", "late_offer" };
	static const char *const starts[] = { "answer", "ringing" };
	size_t transport = r->transport.p ? word_of(r->transport, transports, 4) : 0;
	size_t flow = r->flow.p ? word_of(r->flow, flows, 2) : 0;
	size_t start = r->agent_start.p ? word_of(r->agent_start, starts, 2) : 0;

	if (transport == 4)
		fault(f, base, "transport", "must be udp, tcp, tls or dns");
	if (flow == 2)
		fault(f, base, "flow", "must be early_offer or late_offer");
	if (start == 2)
		fault(f, base, "agent_start", "must be answer or ringing");
	r->t.transport = (enum sip_transport)transport;
	r->t.is_late_offer = flow == 1;
	r->t.is_agent_on_ringing = start == 1;
}

static void read_rate(struct raw *r, const struct json_value *settings, const char *base,
		      struct json_faults *f)
{
	const struct json_value *v = json_get(settings, "calls_per_second");
	double cps;

	if (!v || json_type(v) == JSON_NULL)
		return;
	if (!json_as_double(v, &cps) || !(cps > 0) || cps > CPS_MAX)
		fault(f, base, "calls_per_second", "must be a number above 0, at most 10000");
	else
		r->t.calls_per_second = cps;
}

/* Whose meaning a trunk may redefine: a refusal, never an answer. */
static bool is_refusal(enum outcome o)
{
	return o == OUTCOME_BUSY || o == OUTCOME_NO_ANSWER || o == OUTCOME_REJECTED ||
	       o == OUTCOME_INVALID_NUMBER || o == OUTCOME_CARRIER_ERROR ||
	       o == OUTCOME_RATE_LIMITED || o == OUTCOME_CONFIG_ERROR;
}

static const char *read_override(struct str key, struct str word, struct sip_override *out)
{
	int64_t code;

	if (str_starts(key, STR("q850:"))) {
		if (is_err(parse_i64((struct str){ key.p + 5, key.n - 5 }, 1, 127, &code)))
			return "a cause is q850:1 to q850:127";
		out->q850 = (int)code;
	} else {
		if (is_err(parse_i64(key, 300, 699, &code)))
			return "a key is a status from 300 to 699, or q850:17";
		out->sip = (int)code;
	}
	if (is_err(outcome_parse(word, &out->outcome)) || !is_refusal(out->outcome))
		return "must be busy, no_answer, rejected, invalid_number, carrier_error, "
		       "rate_limited or config_error";
	return NULL;
}

static void read_overrides(struct raw *r, const char *base, struct json_faults *f)
{
	const struct json_value *v = r->outcomes ? json_first(r->outcomes) : NULL;

	for (; v; v = json_next(v)) {
		struct sip_override o = { .sip = 0 };
		const char *what = read_override(json_name(v), json_as_str(v), &o);
		if (!what && r->t.overrides_n == SIP_OVERRIDES_MAX)
			what = "has more than 32 members";
		if (what) {
			fault(f, base, "outcomes", what);
			return;
		}
		r->t.overrides[r->t.overrides_n++] = o;
	}
}

static void check(const struct sip_trunk *t, const char *base, struct json_faults *f)
{
	if (t->host.p && !is_host(t->host))
		fault(f, base, "host", "must be a host name or address, with :port if need be");
	if (t->advertise_ip.p && !is_host(t->advertise_ip))
		fault(f, base, "advertise_ip", "must be an address");
	if (t->verify_host.p && !is_host(t->verify_host))
		fault(f, base, "verify_host", "must be a host name or address");
	if (t->from_domain.p && !is_host(t->from_domain))
		fault(f, base, "from_domain", "must be a host name or address");
	if (!is_credential(t->username))
		fault(f, base, "username", "has quotes, backslashes or control characters");
	if (!is_credential(t->password))
		fault(f, base, "password", "has quotes, backslashes or control characters");
}

bool sip_trunk_decode(const struct json_value *settings, const char *base, struct arena *a,
		      struct json_faults *faults, struct sip_trunk *out)
{
	struct raw r = { .t = { .keep_alive_us = KEEP_ALIVE_US } };
	size_t before = faults->total;
	struct json_decoder how = {
		.fields = fields, .n = ARRAY_LEN(fields), .base = base, .arena = a, .faults = faults
	};

	(void)json_decode(settings, how, &r); /* the faults are counted */
	read_words(&r, base, faults);
	read_rate(&r, settings, base, faults);
	read_overrides(&r, base, faults);
	check(&r.t, base, faults);
	if (faults->total > before)
		return false;
	*out = r.t;
	return true;
}

bool sip_trunk_has_member(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (str_eq(name, str_from(fields[i].name)))
			return true;
	}
	return str_eq(name, STR("calls_per_second"));
}

enum outcome sip_trunk_outcome(const struct sip_trunk *t, const struct outcome_sip *s)
{
	const struct sip_override *found = NULL;

	if (s->was_answered || s->has_timed_out)
		return outcome_from_sip(s);
	/* A cause says more than a status. */
	for (size_t i = 0; i < t->overrides_n; i++) {
		const struct sip_override *o = &t->overrides[i];
		bool is_cause = o->q850 != 0 && o->q850 == s->q850;
		if (is_cause || (!found && o->sip != 0 && o->sip == s->status))
			found = o;
		if (is_cause)
			break;
	}
	return found ? found->outcome : outcome_from_sip(s);
}

/* --- agents ---------------------------------------------------------------------------------- */

static struct str after_scheme(struct str uri)
{
	size_t n = str_starts(uri, STR("sips:")) ? 5 : str_starts(uri, STR("sip:")) ? 4 : 0;

	return n ? (struct str){ uri.p + n, uri.n - n } : STR_NONE;
}

struct str sip_uri_host(struct str uri)
{
	struct str rest = after_scheme(uri), head, tail;

	(void)str_split(rest, ';', &rest, &tail); /* without parameters it is the whole */
	(void)str_split(rest, '?', &rest, &tail);
	if (str_split(rest, '@', &head, &tail))
		rest = tail;
	if (rest.n > 0 && rest.p[0] == '[') {
		(void)str_split((struct str){ rest.p + 1, rest.n - 1 }, ']', &head, &tail);
		return head;
	}
	(void)str_split(rest, ':', &head, &tail);
	return head;
}

bool sip_uri_is_valid(struct str uri)
{
	if (uri.n > SIP_URI_MAX || after_scheme(uri).n == 0 || sip_uri_host(uri).n == 0)
		return false;
	for (size_t i = 0; i < uri.n; i++) {
		unsigned char c = (unsigned char)uri.p[i];
		if (c <= 0x20 || c >= 0x7f || c == '<' || c == '>' || c == '"' || c == '\\')
			return false;
	}
	return true;
}

bool sip_agent_decode(const struct json_value *endpoint, const char *base, struct arena *a,
		      struct json_faults *faults, struct str *uri_out)
{
	static const struct json_field uri_field = { .name = "sip_uri",
						     .kind = JSON_K_STR,
						     .present_offset = SIZE_MAX,
						     .required = true,
						     .min = 1,
						     .max = SIP_URI_MAX };
	struct json_decoder how = {
		.fields = &uri_field, .n = 1, .base = base, .arena = a, .faults = faults
	};
	struct str uri = STR_NONE;

	if (!json_decode(endpoint, how, &uri))
		return false;
	if (!sip_uri_is_valid(uri)) {
		fault(faults, base, "sip_uri", "must be a sip: address");
		return false;
	}
	*uri_out = uri;
	return true;
}
