/* Tables of members, and two switches: which of them a message has. */
#include "wire/dialer_msg.h"
#include "wire/dialer_words.h"
#include "json/json_in.h"

#define SECONDS_MAX ((int64_t)86400 * USEC_PER_SEC)
#define INT_EXACT_MAX (((int64_t)1 << 53) - 1) /* what every JSON reader keeps exact */
#define MESSAGE_DEPTH 32

/* --- members --------------------------------------------------------------------------------- */

#define REQUIRED(struct_, member, name_, kind_, lo, hi)                                            \
	{                                                                                          \
		.name = (name_), .kind = (kind_), .offset = offsetof(struct struct_, member),      \
		.present_offset = SIZE_MAX, .required = true, .min = (lo), .max = (hi)             \
	}
#define OPTIONAL(struct_, member, name_, kind_, lo, hi)                                            \
	{                                                                                          \
		.name = (name_), .kind = (kind_), .offset = offsetof(struct struct_, member),      \
		.present_offset = SIZE_MAX, .nullable = true, .min = (lo), .max = (hi)             \
	}
#define ID(struct_, member, name_, id_kind, is_nullable)                                           \
	{                                                                                          \
		.name = (name_), .kind = JSON_K_ID, .offset = offsetof(struct struct_, member),    \
		.present_offset = SIZE_MAX, .required = true, .nullable = (is_nullable),           \
		.id = (id_kind)                                                                    \
	}

static const struct json_field op_hello_fields[] = {
	REQUIRED(dialer_op, hello.version, "v", JSON_K_I64, 1, 1000000),
	REQUIRED(dialer_op, hello.dispatcher, "dispatcher", JSON_K_STR, 1, 64),
	REQUIRED(dialer_op, hello.incarnation, "incarnation", JSON_K_STR, 1, 64),
};

static const struct json_field op_dial_fields[] = {
	ID(dialer_op, id, "id", ID_ATTEMPT, false),
	ID(dialer_op, dial.call, "call", ID_CALL, false),
	ID(dialer_op, dial.campaign, "campaign", ID_CAMPAIGN, true),
	REQUIRED(dialer_op, dial.attempt, "attempt", JSON_K_I64, 1, 1000000),
	REQUIRED(dialer_op, dial.to, "to", JSON_K_STR, 1, 64),
	REQUIRED(dialer_op, dial.from, "from", JSON_K_STR, 1, 64),
	ID(dialer_op, dial.trunk, "trunk", ID_TRUNK, false),
	REQUIRED(dialer_op, dial.ring_us, "ring_s", JSON_K_SECONDS, 0, SECONDS_MAX),
	REQUIRED(dialer_op, dial.max_us, "max_s", JSON_K_SECONDS, 0, SECONDS_MAX),
	REQUIRED(dialer_op, dial.expires_at, "expires_at", JSON_K_I64, 0, INT_EXACT_MAX),
	OPTIONAL(dialer_op, dial.traceparent, "traceparent", JSON_K_STR, 0, 64),
	OPTIONAL(dialer_op, dial.tracestate, "tracestate", JSON_K_STR, 0, 512),
};

static const struct json_field op_ack_fields[] = {
	ID(dialer_op, id, "id", ID_ATTEMPT, false),
	REQUIRED(dialer_op, ack_seq, "seq", JSON_K_I64, 0, INT_EXACT_MAX),
};

static const struct json_field op_query_fields[] = {
	ID(dialer_op, id, "id", ID_ATTEMPT, false),
};

static const struct json_field op_hangup_fields[] = {
	ID(dialer_op, id, "id", ID_ATTEMPT, false),
	OPTIONAL(dialer_op, hangup_reason, "reason", JSON_K_STR, 0, 256),
};

static const struct json_field op_trunk_fields[] = {
	ID(dialer_op, id, "id", ID_TRUNK, false),
};

static const struct json_field op_test_fields[] = {
	ID(dialer_op, id, "id", ID_TEST, false),
	ID(dialer_op, test_trunk, "trunk", ID_TRUNK, false),
};

static const struct json_field ev_hello_fields[] = {
	REQUIRED(dialer_event, hello.version, "v", JSON_K_I64, 1, 1000000),
	REQUIRED(dialer_event, hello.dialer, "dialer", JSON_K_STR, 1, 64),
	REQUIRED(dialer_event, hello.instance, "instance", JSON_K_STR, 1, 64),
};

static const struct json_field ev_progress_fields[] = {
	ID(dialer_event, id, "id", ID_ATTEMPT, false),
	OPTIONAL(dialer_event, t_us, "t_us", JSON_K_I64, 0, INT_EXACT_MAX),
	OPTIONAL(dialer_event, sip, "sip", JSON_K_I64, 0, 999),
	OPTIONAL(dialer_event, provider_ref, "provider_ref", JSON_K_STR, 0, DIALER_REF_MAX),
};

static const struct json_field ev_end_fields[] = {
	REQUIRED(dialer_event, end.seq, "seq", JSON_K_I64, 0, INT_EXACT_MAX),
	OPTIONAL(dialer_event, end.q850, "q850", JSON_K_I64, 0, 127),
	OPTIONAL(dialer_event, end.retry_after_us, "retry_after_s", JSON_K_SECONDS, 0, SECONDS_MAX),
	OPTIONAL(dialer_event, end.ring_us, "ring_s", JSON_K_SECONDS, 0, SECONDS_MAX),
	OPTIONAL(dialer_event, end.talk_us, "talk_s", JSON_K_SECONDS, 0, SECONDS_MAX),
};

static const struct json_field ev_bridged_fields[] = {
	OPTIONAL(dialer_event, is_bridged, "bridged", JSON_K_BOOL, 0, 0),
};

static const struct json_field ev_trunk_fields[] = {
	ID(dialer_event, id, "id", ID_TRUNK, false),
	OPTIONAL(dialer_event, t_us, "t_us", JSON_K_I64, 0, INT_EXACT_MAX),
	OPTIONAL(dialer_event, trunk.until, "until", JSON_K_I64, 0, INT_EXACT_MAX),
};

static const struct json_field ev_tested_fields[] = {
	ID(dialer_event, id, "id", ID_TEST, false),
	ID(dialer_event, tested.trunk, "trunk", ID_TRUNK, false),
	REQUIRED(dialer_event, tested.is_ok, "ok", JSON_K_BOOL, 0, 0),
	OPTIONAL(dialer_event, t_us, "t_us", JSON_K_I64, 0, INT_EXACT_MAX),
	OPTIONAL(dialer_event, sip, "sip", JSON_K_I64, 0, 999),
	OPTIONAL(dialer_event, tested.reason, "reason", JSON_K_STR, 0, 256),
	OPTIONAL(dialer_event, tested.latency_us, "latency_s", JSON_K_SECONDS, 0, SECONDS_MAX),
	OPTIONAL(dialer_event, tested.until, "until", JSON_K_I64, 0, INT_EXACT_MAX),
};

/* --- decoding -------------------------------------------------------------------------------- */

static struct err decode_table(const struct json_value *root, const struct json_field *fields,
			       size_t n, struct arena *a, void *out)
{
	/* Only the counts need a start: the array is long and each message passes here. */
	struct json_faults faults;
	faults.n = 0;
	faults.total = 0;
	if (json_decode(root, (struct json_decoder){ fields, n, false, "", a, &faults }, out))
		return OK;
	return ERR(ERR_PROTOCOL, faults.n > 0 ? faults.v[0].detail : "a member is wrong");
}

/* The canonical text of an object member, in the arena. */
static struct err decode_object(const struct json_value *root, const char *key, struct arena *a,
				struct str *out)
{
	const struct json_value *v = json_get(root, key);
	if (!v || json_type(v) != JSON_OBJECT)
		return ERR(ERR_PROTOCOL, "a member that must be an object is not");

	struct strbuf text;
	strbuf_init(&text, 2 * DIALER_MSG_MAX);
	json_print(v, &text);
	struct err e = OK;
	if (strbuf_overflowed(&text))
		e = ERR(ERR_PROTOCOL, "an object is too large");
	else
		*out = arena_str(a, strbuf_str(&text));
	strbuf_deinit(&text);
	return e;
}

static struct err parse_message(struct str message, struct json_doc **out)
{
	struct json_limits limits = { .max_bytes = DIALER_MSG_MAX, .max_depth = MESSAGE_DEPTH };
	struct json_doc *doc = NULL;
	struct err e = json_parse(message, limits, &doc, NULL);
	if (is_err(e))
		return ERR(ERR_PROTOCOL, e.what);
	if (json_type(json_doc_root(doc)) != JSON_OBJECT) {
		json_doc_free(doc);
		return ERR(ERR_PROTOCOL, "a message is a JSON object");
	}
	*out = doc;
	return OK;
}

static struct err decode_op(const struct json_value *root, struct arena *a, struct dialer_op *op)
{
	const struct json_value *name = json_get(root, "op");
	size_t kind = dialer_word_find(name ? json_as_str(name) : STR_NONE, dialer_op_words,
				       DIALER_OP_KIND_COUNT);
	if (kind == DIALER_OP_KIND_COUNT)
		return ERR(ERR_PROTOCOL, "unknown op");
	op->kind = (enum dialer_op_kind)kind;

	switch (op->kind) {
	case DIALER_OP_HELLO:
		return decode_table(root, op_hello_fields, ARRAY_LEN(op_hello_fields), a, op);
	case DIALER_OP_DIAL:
		TRY(decode_table(root, op_dial_fields, ARRAY_LEN(op_dial_fields), a, op));
		TRY(decode_object(root, "agent", a, &op->dial.agent));
		return decode_object(root, "variables", a, &op->dial.variables);
	case DIALER_OP_ACK:
		return decode_table(root, op_ack_fields, ARRAY_LEN(op_ack_fields), a, op);
	case DIALER_OP_QUERY:
		return decode_table(root, op_query_fields, ARRAY_LEN(op_query_fields), a, op);
	case DIALER_OP_HANGUP:
		return decode_table(root, op_hangup_fields, ARRAY_LEN(op_hangup_fields), a, op);
	case DIALER_OP_TRUNK:
		TRY(decode_table(root, op_trunk_fields, ARRAY_LEN(op_trunk_fields), a, op));
		return decode_object(root, "settings", a, &op->trunk_settings);
	case DIALER_OP_CALLBACK:
		return decode_object(root, "request", a, &op->callback_request);
	case DIALER_OP_TEST:
		return decode_table(root, op_test_fields, ARRAY_LEN(op_test_fields), a, op);
	case DIALER_OP_KIND_COUNT:
		break;
	}
	return ERR(ERR_PROTOCOL, "unknown op");
}

struct err dialer_op_decode(struct str message, struct arena *a, struct dialer_op *out)
{
	struct json_doc *doc = NULL;
	TRY(parse_message(message, &doc));
	/* The largest member of the union first, so that all of it starts as zero. */
	struct dialer_op op = { .dial = { .attempt = 0 } };
	struct err e = decode_op(json_doc_root(doc), a, &op);
	json_doc_free(doc);
	if (!is_err(e))
		*out = op;
	return e;
}

static struct err decode_caps(const struct json_value *root, unsigned *out)
{
	const struct json_value *list = json_get(root, "caps");
	if (!list || json_type(list) != JSON_ARRAY)
		return ERR(ERR_PROTOCOL, "caps is an array");
	for (const struct json_value *v = json_first(list); v; v = json_next(v)) {
		for (size_t i = 0; i < DIALER_CAP_COUNT; i++) {
			if (str_eq(json_as_str(v), str_from(dialer_cap_words[i].name)))
				*out |= dialer_cap_words[i].cap;
		}
	}
	return OK;
}

static struct str word_of(const struct json_value *root, const char *key)
{
	const struct json_value *v = json_get(root, key);
	return v ? json_as_str(v) : STR_NONE;
}

static struct err decode_end(const struct json_value *root, struct arena *a,
			     struct dialer_event *ev)
{
	TRY(decode_table(root, ev_end_fields, ARRAY_LEN(ev_end_fields), a, ev));
	if (is_err(outcome_parse(word_of(root, "outcome"), &ev->end.outcome)))
		return ERR(ERR_PROTOCOL, "unknown outcome");

	const struct json_value *by = json_get(root, "by");
	if (!by || json_type(by) == JSON_NULL)
		return OK;
	size_t i = dialer_word_find(json_as_str(by), dialer_by_words, DIALER_BY_COUNT);
	if (i == DIALER_BY_COUNT)
		return ERR(ERR_PROTOCOL, "unknown by");
	ev->end.by = (enum dialer_by)i;
	return OK;
}

static struct err decode_state(const struct json_value *root, struct arena *a,
			       struct dialer_event *ev)
{
	size_t i = dialer_word_find(word_of(root, "state"), dialer_state_words, DIALER_STATE_COUNT);
	if (i == DIALER_STATE_COUNT)
		return ERR(ERR_PROTOCOL, "unknown state");
	ev->state = (enum dialer_state)i;
	TRY(decode_table(root, ev_bridged_fields, ARRAY_LEN(ev_bridged_fields), a, ev));
	return ev->state == DIALER_STATE_ENDED ? decode_end(root, a, ev) : OK;
}

static struct err decode_trunk_state(const struct json_value *root, enum dialer_trunk_state *out)
{
	size_t i = dialer_word_find(word_of(root, "state"), dialer_trunk_words,
				    DIALER_TRUNK_STATE_COUNT);
	if (i == DIALER_TRUNK_STATE_COUNT)
		return ERR(ERR_PROTOCOL, "unknown trunk state");
	*out = (enum dialer_trunk_state)i;
	return OK;
}

static struct err decode_event(const struct json_value *root, struct arena *a,
			       struct dialer_event *ev)
{
	size_t kind =
		dialer_word_find(word_of(root, "ev"), dialer_event_words, DIALER_EVENT_KIND_COUNT);
	if (kind == DIALER_EVENT_KIND_COUNT)
		return ERR(ERR_PROTOCOL, "unknown event");
	ev->kind = (enum dialer_event_kind)kind;

	if (ev->kind == DIALER_EV_HELLO) {
		TRY(decode_table(root, ev_hello_fields, ARRAY_LEN(ev_hello_fields), a, ev));
		return decode_caps(root, &ev->hello.caps);
	}
	if (ev->kind == DIALER_EV_TRUNK) {
		TRY(decode_table(root, ev_trunk_fields, ARRAY_LEN(ev_trunk_fields), a, ev));
		return decode_trunk_state(root, &ev->trunk.state);
	}
	if (ev->kind == DIALER_EV_TESTED) {
		TRY(decode_table(root, ev_tested_fields, ARRAY_LEN(ev_tested_fields), a, ev));
		return decode_trunk_state(root, &ev->tested.state);
	}

	TRY(decode_table(root, ev_progress_fields, ARRAY_LEN(ev_progress_fields), a, ev));
	if (ev->kind == DIALER_EV_ENDED)
		return decode_end(root, a, ev);
	return ev->kind == DIALER_EV_STATE ? decode_state(root, a, ev) : OK;
}

struct err dialer_event_decode(struct str message, struct arena *a, struct dialer_event *out)
{
	struct json_doc *doc = NULL;
	TRY(parse_message(message, &doc));
	/* The largest member of the union first, so that all of it starts as zero. */
	struct dialer_event ev = { .tested = { .is_ok = false } };
	struct err e = decode_event(json_doc_root(doc), a, &ev);
	json_doc_free(doc);
	if (!is_err(e))
		*out = ev;
	return e;
}
