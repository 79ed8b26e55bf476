/* The order on the wire: the greeting, replies, then attempts in the order in which something
 * happened to them, each with its events in the order of the call. */
#include "dial/dialer_slot.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dial/dial.h"
#include "sys/log.h"

#define BUFFER_BYTES ((size_t)1024 * 1024)
#define READ_BUDGET 256
#define SEND_BUDGET 1024
#define REPLIES_MAX 16384

struct slot {
	struct slot_options o;
	struct dial_socket *socket;
	struct arena *arena;
	struct strbuf text;
	struct list outgoing; /* attempts with something to tell */
	struct list unacked;  /* attempts that ended */
	struct dialer_event *replies;
	size_t replies_first, replies_n, replies_cap;
	bool is_greeting_due;
	char *incarnation; /* of the dispatcher that greeted last; NULL = none */
	bool is_blocked;
};

static void on_message(struct dial_socket *socket, struct str message, void *arg)
{
	struct slot *s = arg;
	struct dialer_op op;

	arena_reset(s->arena);
	struct err e = dialer_op_decode(message, s->arena, &op);
	if (is_err(e)) {
		log_warn("message_refused", LS("address", dial_address(socket)), LERR(e));
		return;
	}
	s->o.on_op(s, &op, s->o.arg);
}

struct err slot_open(struct loop *l, const struct slot_options *o, struct slot **out)
{
	struct slot *s = xcalloc(1, sizeof(*s));
	struct dial_options d = { .address = o->address,
				  .bind = true,
				  .buffer_bytes = BUFFER_BYTES,
				  .budget = READ_BUDGET };

	s->o = *o;
	s->arena = arena_new();
	strbuf_init(&s->text, DIALER_MSG_MAX);
	list_init(&s->outgoing);
	list_init(&s->unacked);
	struct err e = dial_open(l, &d, on_message, s, &s->socket);
	if (is_err(e)) {
		slot_close(s);
		return e;
	}
	*out = s;
	return OK;
}

void slot_close(struct slot *s)
{
	if (!s)
		return;
	dial_close(s->socket);
	arena_free(s->arena);
	strbuf_deinit(&s->text);
	free(s->replies);
	free(s->incarnation);
	free(s);
}

/* --- what is to be told ---------------------------------------------------------------------- */

void slot_tell(struct desk_attempt *a, unsigned what)
{
	a->tell |= what;
	if (!list_node_is_linked(&a->outgoing))
		list_push_back(&a->slot->outgoing, &a->outgoing);
}

void slot_keep_ended(struct desk_attempt *a)
{
	list_push_back(&a->slot->unacked, &a->unacked);
}

void slot_leave(struct desk_attempt *a)
{
	list_remove(&a->slot->outgoing, &a->outgoing);
	list_remove(&a->slot->unacked, &a->unacked);
	a->slot = NULL;
}

void slot_adopt(struct slot *s, struct desk_attempt *a)
{
	if (a->slot == s)
		return;
	bool has_news = list_node_is_linked(&a->outgoing);
	bool has_ended = list_node_is_linked(&a->unacked);
	slot_leave(a);
	a->slot = s;
	if (has_news)
		list_push_back(&s->outgoing, &a->outgoing);
	if (has_ended)
		list_push_back(&s->unacked, &a->unacked);
}

bool slot_greet(struct slot *s, struct str incarnation)
{
	bool is_new = !str_eq(incarnation, str_from(s->incarnation));

	s->is_greeting_due = true;
	for (struct list_node *n = list_first(&s->unacked); n; n = list_next(&s->unacked, n))
		slot_tell(CONTAINER_OF(n, struct desk_attempt, unacked), TELL_ENDED);
	if (is_new) {
		free(s->incarnation);
		s->incarnation = xstrndup(incarnation);
	}
	return is_new;
}

void slot_reply(struct slot *s, const struct dialer_event *ev)
{
	if (s->replies_n == REPLIES_MAX) {
		log_warn("reply_dropped", LS("address", dial_address(s->socket)));
		return;
	}
	if (s->replies_n == s->replies_cap) {
		size_t cap = s->replies_cap ? s->replies_cap * 2 : 64;
		struct dialer_event *v = xcalloc(cap, sizeof(*v));
		for (size_t i = 0; i < s->replies_n; i++)
			v[i] = s->replies[(s->replies_first + i) % s->replies_cap];
		free(s->replies);
		s->replies = v;
		s->replies_cap = cap;
		s->replies_first = 0;
	}
	s->replies[(s->replies_first + s->replies_n++) % s->replies_cap] = *ev;
}

/* --- sending --------------------------------------------------------------------------------- */

static void has_room(void *arg)
{
	struct slot *s = arg;

	s->is_blocked = false;
	s->o.on_room(s->o.arg);
}

/* False when the socket takes no more; the message is then said again later. */
static bool send_event(struct slot *s, const struct dialer_event *ev)
{
	strbuf_reset(&s->text);
	dialer_event_encode(ev, &s->text);
	ASSERT(!strbuf_overflowed(&s->text));
	struct err e = dial_send(s->socket, strbuf_str(&s->text));
	if (!is_err(e))
		return true;
	if (e.code != ERR_OVERLOADED)
		log_error("send_failed", LS("address", dial_address(s->socket)), LERR(e));
	s->is_blocked = true;
	dial_on_writable(s->socket, has_room, s);
	return false;
}

static bool send_greeting(struct slot *s)
{
	struct dialer_event hello = { .kind = DIALER_EV_HELLO,
				      .hello = { .version = DIALER_PROTOCOL_VERSION,
						 .dialer = str_from(s->o.dialer),
						 .instance = str_from(s->o.instance),
						 .caps = s->o.caps } };

	if (!s->is_greeting_due)
		return true;
	if (!send_event(s, &hello))
		return false;
	s->is_greeting_due = false;
	return true;
}

static bool send_replies(struct slot *s)
{
	while (s->replies_n > 0) {
		if (!send_event(s, &s->replies[s->replies_first]))
			return false;
		s->replies_first = (s->replies_first + 1) % s->replies_cap;
		s->replies_n--;
	}
	return true;
}

static size_t add_kind(enum dialer_event_kind *v, size_t n, enum dialer_event_kind kind)
{
	v[n] = kind;
	return n + 1;
}

size_t slot_list_events(const struct desk_attempt *a, enum dialer_event_kind v[SLOT_EVENTS_MAX])
{
	size_t n = 0;

	if (a->tell & TELL_STATE)
		n = add_kind(v, n, DIALER_EV_STATE);
	if (a->tell & TELL_RINGING)
		n = add_kind(v, n, DIALER_EV_RINGING);
	if (a->tell & TELL_ANSWERED)
		n = add_kind(v, n, DIALER_EV_ANSWERED);
	if (a->tell & TELL_BRIDGED)
		n = add_kind(v, n, DIALER_EV_BRIDGED);
	if (a->tell & TELL_ENDED)
		n = add_kind(v, n, DIALER_EV_ENDED);
	return n;
}

static void fill_end(const struct desk_attempt *a, struct dialer_event *ev)
{
	ev->t_us = a->dialed_at + a->ended_us;
	ev->sip = a->sip;
	ev->end = a->end;
}

static void fill_state(const struct desk_attempt *a, struct dialer_event *ev)
{
	ev->state = a->state;
	ev->t_us = a->dialed_at;
	if (a->state == DIALER_STATE_ENDED)
		fill_end(a, ev);
	if (a->state != DIALER_STATE_ANSWERED)
		return;
	ev->t_us = a->dialed_at + (a->is_bridged ? a->bridged_us : a->answered_us);
	ev->is_bridged = a->is_bridged;
}

static void fill_event(const struct desk_attempt *a, enum dialer_event_kind kind,
		       struct dialer_event *ev)
{
	ev->kind = kind;
	ev->id = a->id;
	if (kind == DIALER_EV_ENDED) {
		fill_end(a, ev);
	} else if (kind == DIALER_EV_STATE) {
		fill_state(a, ev);
	} else if (kind == DIALER_EV_RINGING) {
		ev->t_us = a->dialed_at + a->rang_us;
		ev->sip = a->ringing_sip;
	} else {
		ev->t_us =
			a->dialed_at + (kind == DIALER_EV_BRIDGED ? a->bridged_us : a->answered_us);
		ev->sip = 200;
	}
}

static bool send_attempt(struct slot *s, const struct desk_attempt *a)
{
	enum dialer_event_kind kinds[SLOT_EVENTS_MAX];
	size_t n = s->o.events(a, kinds);
	char ref[DIALER_REF_MAX + 1] = "";

	s->o.ref(a, ref);
	for (size_t i = 0; i < n; i++) {
		struct dialer_event ev = { .provider_ref = str_from(ref) };
		fill_event(a, kinds[i], &ev);
		if (!send_event(s, &ev))
			return false;
	}
	return true;
}

bool slot_flush(struct slot *s)
{
	struct list_node *n;

	if (s->is_blocked || !send_greeting(s) || !send_replies(s))
		return false;
	for (int sent = 0; (n = list_first(&s->outgoing)) != NULL; sent++) {
		struct desk_attempt *a = CONTAINER_OF(n, struct desk_attempt, outgoing);
		if (sent == SEND_BUDGET)
			return true;
		if (!send_attempt(s, a))
			return false;
		list_remove(&s->outgoing, n);
		a->tell = 0;
	}
	return false;
}
