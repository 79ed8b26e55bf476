/* The payload of a control message, one line of words:
 *
 *   1 <kind> <workspace> <campaign> <call> <scope> <scope_id> <per_min> <at>
 *
 * Ids that a kind has no use for are nil, numbers 0: one shape for all kinds. */
#include "wire/control_msg.h"

#include "wire/wire_text.h"

#define CONTROL_VERSION STR("1")

static const struct str kind_words[CONTROL_KIND_COUNT] = {
	[CONTROL_CAMPAIGN_CHANGED] = { "campaign_changed", 16 },
	[CONTROL_CAMPAIGN_HELD] = { "campaign_held", 13 },
	[CONTROL_CALLS_DROPPED] = { "calls_dropped", 13 },
	[CONTROL_LIMITS] = { "limits", 6 },
	[CONTROL_HANGUP] = { "hangup", 6 },
	[CONTROL_TRUNK_TEST] = { "trunk_test", 10 },
};

static const struct str scope_words[CONTROL_SCOPE_COUNT] = {
	[CONTROL_SCOPE_NONE] = { "none", 4 },
	[CONTROL_SCOPE_CAMPAIGN] = { "campaign", 8 },
	[CONTROL_SCOPE_WORKSPACE] = { "workspace", 9 },
	[CONTROL_SCOPE_NUMBER] = { "number", 6 },
};

/* The index of the word in the table; n when it is not there. */
static size_t find_word(const struct str *words, size_t n, struct str word)
{
	size_t i = 0;
	while (i < n && !str_eq(words[i], word))
		i++;
	return i;
}

void control_msg_encode(const struct control_msg *m, struct strbuf *out)
{
	ASSERT(m->kind < CONTROL_KIND_COUNT && m->scope < CONTROL_SCOPE_COUNT);
	struct wire_out o;
	wire_out_init(&o, out);
	wire_put_word(&o, CONTROL_VERSION);
	wire_put_word(&o, kind_words[m->kind]);
	wire_put_uuid(&o, m->workspace_id);
	wire_put_uuid(&o, m->campaign_id);
	wire_put_uuid(&o, m->call_id);
	wire_put_word(&o, scope_words[m->scope]);
	wire_put_uuid(&o, m->scope_id);
	wire_put_i64(&o, m->per_min, WIRE_PER_MIN_MAX);
	wire_put_i64(&o, m->at, WIRE_INSTANT_MAX);
}

struct err control_msg_decode(struct str s, struct control_msg *out)
{
	struct wire_in in;
	wire_in_init(&in, s);
	if (!str_eq(wire_get_word(&in), CONTROL_VERSION))
		return ERR(ERR_PROTOCOL, "a control message of an unknown version");
	size_t kind = find_word(kind_words, CONTROL_KIND_COUNT, wire_get_word(&in));
	struct control_msg m = { .workspace_id = wire_get_uuid(&in) };
	m.campaign_id = wire_get_uuid(&in);
	m.call_id = wire_get_uuid(&in);
	size_t scope = find_word(scope_words, CONTROL_SCOPE_COUNT, wire_get_word(&in));
	m.scope_id = wire_get_uuid(&in);
	m.per_min = wire_get_i64(&in, WIRE_PER_MIN_MAX);
	m.at = wire_get_i64(&in, WIRE_INSTANT_MAX);
	if (kind == CONTROL_KIND_COUNT || scope == CONTROL_SCOPE_COUNT || !wire_in_is_done(&in))
		return ERR(ERR_PROTOCOL, "a control message that is malformed");
	m.kind = (enum control_kind)kind;
	m.scope = (enum control_scope)scope;
	*out = m;
	return OK;
}
