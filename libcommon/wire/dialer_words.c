/* One table for each kind of word. */
#include "wire/dialer_words.h"

const char *const dialer_op_words[DIALER_OP_KIND_COUNT] = {
	[DIALER_OP_HELLO] = "hello",       [DIALER_OP_DIAL] = "dial",
	[DIALER_OP_ACK] = "ack",           [DIALER_OP_QUERY] = "query",
	[DIALER_OP_HANGUP] = "hangup",     [DIALER_OP_TRUNK] = "trunk",
	[DIALER_OP_CALLBACK] = "callback", [DIALER_OP_TEST] = "test",
};

const char *const dialer_event_words[DIALER_EVENT_KIND_COUNT] = {
	[DIALER_EV_HELLO] = "hello",     [DIALER_EV_DIALING] = "dialing",
	[DIALER_EV_RINGING] = "ringing", [DIALER_EV_ANSWERED] = "answered",
	[DIALER_EV_BRIDGED] = "bridged", [DIALER_EV_ENDED] = "ended",
	[DIALER_EV_STATE] = "state",     [DIALER_EV_TRUNK] = "trunk",
	[DIALER_EV_TESTED] = "tested",
};

const char *const dialer_state_words[DIALER_STATE_COUNT] = {
	[DIALER_STATE_NEVER_SENT] = "never_sent", [DIALER_STATE_DIALING] = "dialing",
	[DIALER_STATE_RINGING] = "ringing",       [DIALER_STATE_ANSWERED] = "answered",
	[DIALER_STATE_ENDED] = "ended",           [DIALER_STATE_UNKNOWN] = "unknown",
};

const char *const dialer_by_words[DIALER_BY_COUNT] = {
	[DIALER_BY_NONE] = NULL, [DIALER_BY_CALLEE] = "callee",   [DIALER_BY_AGENT] = "agent",
	[DIALER_BY_US] = "us",   [DIALER_BY_CARRIER] = "carrier",
};

const char *const dialer_trunk_words[DIALER_TRUNK_STATE_COUNT] = {
	[DIALER_TRUNK_UP] = "up",
	[DIALER_TRUNK_DOWN] = "down",
	[DIALER_TRUNK_THROTTLED] = "throttled",
};

const struct dialer_cap_word dialer_cap_words[DIALER_CAP_COUNT] = {
	{ "query", DIALER_CAP_QUERY },     { "hangup", DIALER_CAP_HANGUP },
	{ "ringing", DIALER_CAP_RINGING }, { "trunks", DIALER_CAP_TRUNKS },
	{ "test", DIALER_CAP_TEST },
};

const char *dialer_op_name(enum dialer_op_kind k)
{
	ASSERT(k < DIALER_OP_KIND_COUNT);
	return dialer_op_words[k];
}

const char *dialer_event_name(enum dialer_event_kind k)
{
	ASSERT(k < DIALER_EVENT_KIND_COUNT);
	return dialer_event_words[k];
}

const char *dialer_state_name(enum dialer_state s)
{
	ASSERT(s < DIALER_STATE_COUNT);
	return dialer_state_words[s];
}

const char *dialer_trunk_state_name(enum dialer_trunk_state s)
{
	ASSERT(s < DIALER_TRUNK_STATE_COUNT);
	return dialer_trunk_words[s];
}

const char *dialer_by_name(enum dialer_by by)
{
	ASSERT(by < DIALER_BY_COUNT);
	return dialer_by_words[by];
}
size_t dialer_word_find(struct str word, const char *const *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i] && str_eq(word, str_from(table[i])))
			return i;
	}
	return n;
}
