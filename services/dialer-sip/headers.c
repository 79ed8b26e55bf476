/* Names are cut down to what a header name takes, values to what a line takes: what is not printable
 * ASCII, and the percent sign, goes as %XX of its UTF-8. Past a bound the rest is left out, since a
 * datagram has one. */
#include "call.h"
#include "sys/log.h"
#include "wire/trace.h"
#include "json/json_in.h"

#define VARIABLES_BYTES_MAX ((size_t)4096)
#define VALUE_BYTES_MAX ((size_t)2048)

static void add_value(struct strbuf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x20 || c >= 0x7f || c == '%')
			strbuf_addf(out, "%%%02X", c);
		else
			strbuf_add_c(out, (char)c);
	}
}

static void add_name(struct strbuf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
		strbuf_add_c(out, is_word ? c : '-');
	}
}

static void add_variable(const struct json_value *v, struct strbuf *out)
{
	struct strbuf text;

	strbuf_init(&text, VALUE_BYTES_MAX);
	if (json_type(v) == JSON_STRING)
		strbuf_add(&text, json_as_str(v));
	else
		json_print(v, &text);
	strbuf_add(out, STR("X-Belfry-Var-"));
	add_name(out, json_name(v));
	strbuf_add(out, STR(": "));
	if (!strbuf_overflowed(&text))
		add_value(out, strbuf_str(&text));
	strbuf_add(out, STR("\r\n"));
	strbuf_deinit(&text);
}

static void add_variables(const struct call *c, struct strbuf *out)
{
	struct json_limits limits = { .max_bytes = DIALER_MSG_MAX, .max_depth = 32 };
	struct json_doc *doc = NULL;
	struct strbuf one;

	if (is_err(json_parse(c->op.dial.variables, limits, &doc, NULL)))
		return; /* the protocol's decoder has taken it for an object: it does not happen */
	size_t begin = out->n;
	for (const struct json_value *v = json_first(json_doc_root(doc)); v; v = json_next(v)) {
		strbuf_init(&one, 3 * VALUE_BYTES_MAX);
		add_variable(v, &one);
		bool fits =
			!strbuf_overflowed(&one) && out->n - begin + one.n <= VARIABLES_BYTES_MAX;
		if (fits)
			strbuf_add(out, strbuf_str(&one));
		else
			log_warn("variable_left_out", LID("attempt", ID_ATTEMPT, c->held.id),
				 LT("name", json_name(v)));
		strbuf_deinit(&one);
	}
	json_doc_free(doc);
}

static void add_id(struct strbuf *out, const char *name, enum id_kind kind, struct uuid id)
{
	char text[ID_TEXT_SIZE];

	if (!uuid_is_nil(id))
		strbuf_addf(out, "X-Belfry-%s: %s\r\n", name, id_format(kind, id, text));
}

void headers_for_agent(const struct call *c, struct strbuf *out)
{
	add_id(out, "Attempt", ID_ATTEMPT, c->held.id);
	add_id(out, "Call", ID_CALL, c->op.dial.call);
	add_id(out, "Campaign", ID_CAMPAIGN, c->op.dial.campaign);
	if (c->op.dial.traceparent.n > 0) {
		strbuf_add(out, STR("traceparent: "));
		add_value(out, c->op.dial.traceparent);
		strbuf_add(out, STR("\r\n"));
	}
	/* As it came: escaped it would be another. */
	if (trace_state_is_valid(c->op.dial.tracestate)) {
		strbuf_add(out, STR("tracestate: "));
		strbuf_add(out, c->op.dial.tracestate);
		strbuf_add(out, STR("\r\n"));
	}
	strbuf_add(out, STR("X-Belfry-To: "));
	add_value(out, c->op.dial.to);
	strbuf_add(out, STR("\r\nX-Belfry-From: "));
	add_value(out, c->op.dial.from);
	strbuf_add(out, STR("\r\n"));
	add_variables(c, out);
}
