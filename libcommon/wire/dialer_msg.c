/* Tables of members and two switches: how the structs of dialer_msg.h look on the wire. */
#include "wire/dialer_msg.h"

#include "json/json_in.h"
#include "json/json_out.h"

#define SECONDS_MAX ((int64_t)86400 * USEC_PER_SEC)
#define INT_EXACT_MAX (((int64_t)1 << 53) - 1) /* what every JSON reader keeps exact */
#define MESSAGE_DEPTH 32

static const char *const op_names[DIALER_OP_KIND_COUNT] = {
	[DIALER_OP_HELLO] = "hello",       [DIALER_OP_DIAL] = "dial",
	[DIALER_OP_ACK] = "ack",           [DIALER_OP_QUERY] = "query",
	[DIALER_OP_HANGUP] = "hangup",     [DIALER_OP_TRUNK] = "trunk",
	[DIALER_OP_CALLBACK] = "callback", [DIALER_OP_TEST] = "test",
};

static const char *const event_names[DIALER_EVENT_KIND_COUNT] = {
	[DIALER_EV_HELLO] = "hello",     [DIALER_EV_DIALING] = "dialing",
	[DIALER_EV_RINGING] = "ringing", [DIALER_EV_ANSWERED] = "answered",
	[DIALER_EV_BRIDGED] = "bridged", [DIALER_EV_ENDED] = "ended",
	[DIALER_EV_STATE] = "state",     [DIALER_EV_TRUNK] = "trunk",
	[DIALER_EV_TESTED] = "tested",
};

static const char *const state_names[DIALER_STATE_COUNT] = {
	[DIALER_STATE_NEVER_SENT] = "never_sent", [DIALER_STATE_DIALING] = "dialing",
	[DIALER_STATE_RINGING] = "ringing",       [DIALER_STATE_ANSWERED] = "answered",
	[DIALER_STATE_ENDED] = "ended",           [DIALER_STATE_UNKNOWN] = "unknown",
};

static const char *const by_names[DIALER_BY_COUNT] = {
	[DIALER_BY_NONE] = NULL, [DIALER_BY_CALLEE] = "callee",   [DIALER_BY_AGENT] = "agent",
	[DIALER_BY_US] = "us",   [DIALER_BY_CARRIER] = "carrier",
};

static const char *const trunk_state_names[DIALER_TRUNK_STATE_COUNT] = {
	[DIALER_TRUNK_UP] = "up",
	[DIALER_TRUNK_DOWN] = "down",
	[DIALER_TRUNK_THROTTLED] = "throttled",
};

static const struct {
	const char *name;
	enum dialer_cap cap;
} caps[] = {
	{ "query", DIALER_CAP_QUERY },     { "hangup", DIALER_CAP_HANGUP },
	{ "ringing", DIALER_CAP_RINGING }, { "trunks", DIALER_CAP_TRUNKS },
	{ "test", DIALER_CAP_TEST },
};

const char *dialer_op_name(enum dialer_op_kind k)
{
	ASSERT(k < DIALER_OP_KIND_COUNT);
	return op_names[k];
}

const char *dialer_event_name(enum dialer_event_kind k)
{
	ASSERT(k < DIALER_EVENT_KIND_COUNT);
	return event_names[k];
}

const char *dialer_state_name(enum dialer_state s)
{
	ASSERT(s < DIALER_STATE_COUNT);
	return state_names[s];
}

const char *dialer_trunk_state_name(enum dialer_trunk_state s)
{
	ASSERT(s < DIALER_TRUNK_STATE_COUNT);
	return trunk_state_names[s];
}

const char *dialer_by_name(enum dialer_by by)
{
	ASSERT(by < DIALER_BY_COUNT);
	return by_names[by];
}

/* The position of `word` in the table, or n. */
static size_t find_word(struct str word, const char *const *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i] && str_eq(word, str_from(table[i])))
			return i;
	}
	return n;
}

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
	size_t kind =
		find_word(name ? json_as_str(name) : STR_NONE, op_names, DIALER_OP_KIND_COUNT);
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
		for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
			if (str_eq(json_as_str(v), str_from(caps[i].name)))
				*out |= caps[i].cap;
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
	size_t i = find_word(json_as_str(by), by_names, DIALER_BY_COUNT);
	if (i == DIALER_BY_COUNT)
		return ERR(ERR_PROTOCOL, "unknown by");
	ev->end.by = (enum dialer_by)i;
	return OK;
}

static struct err decode_state(const struct json_value *root, struct arena *a,
			       struct dialer_event *ev)
{
	size_t i = find_word(word_of(root, "state"), state_names, DIALER_STATE_COUNT);
	if (i == DIALER_STATE_COUNT)
		return ERR(ERR_PROTOCOL, "unknown state");
	ev->state = (enum dialer_state)i;
	TRY(decode_table(root, ev_bridged_fields, ARRAY_LEN(ev_bridged_fields), a, ev));
	return ev->state == DIALER_STATE_ENDED ? decode_end(root, a, ev) : OK;
}

static struct err decode_trunk_state(const struct json_value *root, enum dialer_trunk_state *out)
{
	size_t i = find_word(word_of(root, "state"), trunk_state_names, DIALER_TRUNK_STATE_COUNT);
	if (i == DIALER_TRUNK_STATE_COUNT)
		return ERR(ERR_PROTOCOL, "unknown trunk state");
	*out = (enum dialer_trunk_state)i;
	return OK;
}

static struct err decode_event(const struct json_value *root, struct arena *a,
			       struct dialer_event *ev)
{
	size_t kind = find_word(word_of(root, "ev"), event_names, DIALER_EVENT_KIND_COUNT);
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

/* --- encoding -------------------------------------------------------------------------------- */

static void put_seconds(struct json_out *j, const char *key, usec_t span)
{
	json_key(j, key);
	json_seconds(j, span);
}

static void put_seconds_if(struct json_out *j, const char *key, usec_t span)
{
	if (span != 0)
		put_seconds(j, key, span);
}

static void put_i64_if(struct json_out *j, const char *key, int64_t v)
{
	if (v != 0)
		json_kv_i64(j, key, v);
}

static void put_object(struct json_out *j, const char *key, struct str json)
{
	json_kv_raw(j, key, json.n > 0 ? json : STR("{}"));
}

static void put_dial(struct json_out *j, const struct dialer_op *op)
{
	const struct dialer_op_dial *d = &op->dial;
	json_kv_id(j, "id", ID_ATTEMPT, op->id);
	json_kv_id(j, "call", ID_CALL, d->call);
	json_kv_id(j, "campaign", ID_CAMPAIGN, d->campaign);
	json_kv_i64(j, "attempt", d->attempt);
	json_kv_str(j, "to", d->to);
	json_kv_str(j, "from", d->from);
	put_object(j, "agent", d->agent);
	json_kv_id(j, "trunk", ID_TRUNK, d->trunk);
	put_seconds(j, "ring_s", d->ring_us);
	put_seconds(j, "max_s", d->max_us);
	json_kv_i64(j, "expires_at", d->expires_at);
	put_object(j, "variables", d->variables);
	if (d->traceparent.n > 0)
		json_kv_str(j, "traceparent", d->traceparent);
}

void dialer_op_encode(const struct dialer_op *op, struct strbuf *out)
{
	struct json_out j;
	json_out_init(&j, out);
	json_object_begin(&j);
	json_kv_cstr(&j, "op", dialer_op_name(op->kind));

	switch (op->kind) {
	case DIALER_OP_HELLO:
		json_kv_i64(&j, "v", op->hello.version);
		json_kv_str(&j, "dispatcher", op->hello.dispatcher);
		json_kv_str(&j, "incarnation", op->hello.incarnation);
		break;
	case DIALER_OP_DIAL:
		put_dial(&j, op);
		break;
	case DIALER_OP_ACK:
		json_kv_id(&j, "id", ID_ATTEMPT, op->id);
		json_kv_i64(&j, "seq", op->ack_seq);
		break;
	case DIALER_OP_QUERY:
		json_kv_id(&j, "id", ID_ATTEMPT, op->id);
		break;
	case DIALER_OP_HANGUP:
		json_kv_id(&j, "id", ID_ATTEMPT, op->id);
		if (op->hangup_reason.n > 0)
			json_kv_str(&j, "reason", op->hangup_reason);
		break;
	case DIALER_OP_TRUNK:
		json_kv_id(&j, "id", ID_TRUNK, op->id);
		put_object(&j, "settings", op->trunk_settings);
		break;
	case DIALER_OP_CALLBACK:
		put_object(&j, "request", op->callback_request);
		break;
	case DIALER_OP_TEST:
		json_kv_id(&j, "id", ID_TEST, op->id);
		json_kv_id(&j, "trunk", ID_TRUNK, op->test_trunk);
		break;
	case DIALER_OP_KIND_COUNT:
		break;
	}
	json_object_end(&j);
}

static void put_hello_event(struct json_out *j, const struct dialer_ev_hello *h)
{
	json_kv_i64(j, "v", h->version);
	json_kv_str(j, "dialer", h->dialer);
	json_kv_str(j, "instance", h->instance);
	json_key(j, "caps");
	json_array_begin(j);
	for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
		if (h->caps & (unsigned)caps[i].cap)
			json_cstr(j, caps[i].name);
	}
	json_array_end(j);
}

static void put_end(struct json_out *j, const struct dialer_event *ev)
{
	const struct dialer_end *end = &ev->end;
	json_kv_i64(j, "seq", end->seq);
	json_kv_cstr(j, "outcome", outcome_name(end->outcome));
	put_i64_if(j, "sip", ev->sip);
	put_i64_if(j, "q850", end->q850);
	put_seconds_if(j, "retry_after_s", end->retry_after_us);
	put_seconds(j, "ring_s", end->ring_us);
	put_seconds(j, "talk_s", end->talk_us);
	if (end->by != DIALER_BY_NONE)
		json_kv_cstr(j, "by", dialer_by_name(end->by));
}

static void put_attempt_event(struct json_out *j, const struct dialer_event *ev)
{
	bool is_state = ev->kind == DIALER_EV_STATE;
	json_kv_id(j, "id", ID_ATTEMPT, ev->id);
	if (is_state)
		json_kv_cstr(j, "state", dialer_state_name(ev->state));
	if (is_state && ev->is_bridged)
		json_kv_bool(j, "bridged", true);
	put_i64_if(j, "t_us", ev->t_us);
	if (ev->kind == DIALER_EV_ENDED || (is_state && ev->state == DIALER_STATE_ENDED))
		put_end(j, ev);
	else
		put_i64_if(j, "sip", ev->sip);
	if (ev->provider_ref.n > 0)
		json_kv_str(j, "provider_ref", ev->provider_ref);
}

static void put_tested(struct json_out *j, const struct dialer_event *ev)
{
	const struct dialer_ev_tested *t = &ev->tested;
	json_kv_id(j, "id", ID_TEST, ev->id);
	json_kv_id(j, "trunk", ID_TRUNK, t->trunk);
	json_kv_bool(j, "ok", t->is_ok);
	put_i64_if(j, "t_us", ev->t_us);
	put_i64_if(j, "sip", ev->sip);
	if (t->reason.n > 0)
		json_kv_str(j, "reason", t->reason);
	put_seconds(j, "latency_s", t->latency_us);
	json_kv_cstr(j, "state", trunk_state_names[t->state]);
	put_i64_if(j, "until", t->until);
}

void dialer_event_encode(const struct dialer_event *ev, struct strbuf *out)
{
	struct json_out j;
	json_out_init(&j, out);
	json_object_begin(&j);
	json_kv_cstr(&j, "ev", dialer_event_name(ev->kind));
	if (ev->kind == DIALER_EV_HELLO) {
		put_hello_event(&j, &ev->hello);
	} else if (ev->kind == DIALER_EV_TRUNK) {
		json_kv_id(&j, "id", ID_TRUNK, ev->id);
		json_kv_cstr(&j, "state", trunk_state_names[ev->trunk.state]);
		put_i64_if(&j, "t_us", ev->t_us);
		put_i64_if(&j, "until", ev->trunk.until);
	} else if (ev->kind == DIALER_EV_TESTED) {
		put_tested(&j, ev);
	} else {
		put_attempt_event(&j, ev);
	}
	json_object_end(&j);
}
