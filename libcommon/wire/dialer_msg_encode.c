/* The members of a message, in the order in which every implementation writes them. */
#include "wire/dialer_msg.h"
#include "wire/dialer_words.h"
#include "json/json_out.h"

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
	if (d->tracestate.n > 0)
		json_kv_str(j, "tracestate", d->tracestate);
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
	for (size_t i = 0; i < DIALER_CAP_COUNT; i++) {
		if (h->caps & (unsigned)dialer_cap_words[i].cap)
			json_cstr(j, dialer_cap_words[i].name);
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
	json_kv_cstr(j, "state", dialer_trunk_words[t->state]);
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
		json_kv_cstr(&j, "state", dialer_trunk_words[ev->trunk.state]);
		put_i64_if(&j, "t_us", ev->t_us);
		put_i64_if(&j, "until", ev->trunk.until);
	} else if (ev->kind == DIALER_EV_TESTED) {
		put_tested(&j, ev);
	} else {
		put_attempt_event(&j, ev);
	}
	json_object_end(&j);
}
