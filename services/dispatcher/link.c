/* A hello every second while nothing is heard keeps `is_up` honest; its answer names the instance,
 * and brings the terminal events that nobody has acknowledged. Events of attempts that are not held
 * here are looked up: recorded ones are acknowledged, open ones belong to their holder. */
#include "link.h"

#include <string.h>

#include "attempt.h"
#include "base/mem.h"
#include "dial/dial.h"
#include "record.h"
#include "sys/log.h"
#include "trunk_report.h"
#include "trunks.h"

#define HELLO_US (1 * USEC_PER_SEC)
#define FIRST_HELLO_US (100 * USEC_PER_MS) /* while a dialer is not up: its socket may be late */
#define SILENCE_MAX_US (4 * USEC_PER_SEC)
#define SOCKET_BUFFER ((size_t)8 << 20)
#define READ_BUDGET 256

struct link {
	struct links *links;
	char *name;
	struct dial_socket *socket;
	struct list waiting; /* attempts whose dial found no room */
	bool wants_room;
	char instance[72];
	usec_t mono_heard_at; /* 0 = never */
	unsigned caps;
	bool is_up;
};

struct links {
	struct app *app;
	struct link *v[LINKS_MAX];
	size_t n;
	struct timer *timer;
	struct arena *arena; /* of the message being read */
	struct strbuf out;
};

static struct err send_op(struct link *l, const struct dialer_op *op)
{
	struct strbuf *b = &l->links->out;
	strbuf_reset(b);
	dialer_op_encode(op, b);
	if (strbuf_overflowed(b))
		return ERR(ERR_TOO_LARGE, "a dialer message is over its limit");
	return dial_send(l->socket, strbuf_str(b));
}

static void say_hello(struct link *l)
{
	struct app *app = l->links->app;
	struct dialer_op op = { .kind = DIALER_OP_HELLO,
				.hello = { .version = DIALER_PROTOCOL_VERSION,
					   .dispatcher = str_from(app->host),
					   .incarnation = str_from(app->incarnation_text) } };
	(void)send_op(l, &op); /* the next one follows in a second */
}

static void set_up(struct link *l, bool is_up)
{
	if (l->is_up == is_up)
		return;
	l->is_up = is_up;
	log_info(is_up ? "dialer_up" : "dialer_down", LS("dialer", l->name),
		 LS("instance", l->instance));
	if (!is_up)
		return;
	/* Settings before calls: a dial of a trunk that the dialer does not know waits for them. */
	if (l->caps & DIALER_CAP_TRUNKS)
		trunks_tell_all(l->links->app->trunks);
	attempts_query_all(l->links->app->attempts, l);
}

static void on_timer(void *arg)
{
	struct links *ls = arg;
	usec_t mono = loop_mono(ls->app->loop);
	bool all_up = true;

	for (size_t i = 0; i < ls->n; i++) {
		struct link *l = ls->v[i];
		usec_t silent = mono - l->mono_heard_at;
		if (l->mono_heard_at == 0 || silent > SILENCE_MAX_US)
			set_up(l, false);
		if (!l->is_up || silent > HELLO_US)
			say_hello(l);
		all_up = all_up && l->is_up;
	}
	timer_start(ls->timer, all_up ? HELLO_US : FIRST_HELLO_US);
}

static void on_hello(struct link *l, const struct dialer_ev_hello *h)
{
	char instance[sizeof(l->instance)];
	size_t n = min_size(h->instance.n, sizeof(instance) - 1);

	memcpy(instance, h->instance.p, n);
	instance[n] = '\0';
	l->caps = h->caps;
	if (strcmp(instance, l->instance) != 0) {
		memcpy(l->instance, instance, sizeof(instance));
		set_up(l, false);
	}
	set_up(l, true);
}

/* A dialer goes by this host's clock, everything behind this file by Postgres'. */
static void to_our_clock(const struct app *app, struct dialer_event *ev)
{
	usec_t correction = app_clock_correction(app);

	if (ev->t_us != 0)
		ev->t_us += correction;
	if (ev->kind == DIALER_EV_TRUNK && ev->trunk.until != 0)
		ev->trunk.until += correction;
	if (ev->kind == DIALER_EV_TESTED && ev->tested.until != 0)
		ev->tested.until += correction;
}

static void on_message(struct dial_socket *s, struct str message, void *arg)
{
	struct link *l = arg;
	struct links *ls = l->links;
	struct dialer_event ev;

	(void)s; /* the link's own */
	arena_reset(ls->arena);
	struct err e = dialer_event_decode(message, ls->arena, &ev);
	if (is_err(e)) {
		log_warn("dialer_message_refused", LS("dialer", l->name), LERR(e));
		return;
	}
	l->mono_heard_at = loop_mono(ls->app->loop);
	to_our_clock(ls->app, &ev);
	if (ev.kind == DIALER_EV_HELLO) {
		on_hello(l, &ev.hello);
		return;
	}
	if (ev.kind == DIALER_EV_TRUNK) {
		log_info("trunk_state", LID("trunk", ID_TRUNK, ev.id),
			 LS("state", dialer_trunk_state_name(ev.trunk.state)));
		trunk_reports_state(ls->app->trunk_reports, &ev);
		return;
	}
	if (ev.kind == DIALER_EV_TESTED) {
		trunk_reports_tested(ls->app->trunk_reports, &ev);
		return;
	}
	if (attempt_report(ls->app->attempts, &ev))
		return;
	bool is_end = ev.kind == DIALER_EV_ENDED ||
		      (ev.kind == DIALER_EV_STATE && ev.state == DIALER_STATE_ENDED);
	if (is_end)
		record_stray(ls->app->records, l, ev.id, ev.end.seq);
}

static void on_room(void *arg)
{
	struct link *l = arg;
	struct app *app = l->links->app;
	struct list_node *node;

	l->wants_room = false;
	while ((node = list_first(&l->waiting)) != NULL) {
		struct attempt *a = CONTAINER_OF(node, struct attempt, send_node);
		list_remove(&l->waiting, node);
		if (app_now(app) >= a->expires_at) {
			attempt_give_up(app->attempts, a, OUTCOME_NOT_SENT);
			continue;
		}
		if (is_err(dial_send(l->socket, str_from(a->dial_text)))) {
			list_push_front(&l->waiting, node);
			l->wants_room = true;
			dial_on_writable(l->socket, on_room, l);
			return;
		}
	}
}

void link_dial(struct link *l, struct attempt *a, const struct dialer_op *op)
{
	struct strbuf *b = &l->links->out;
	struct dialer_op theirs = *op;

	theirs.dial.expires_at -= app_clock_correction(l->links->app);
	strbuf_reset(b);
	dialer_op_encode(&theirs, b);
	if (strbuf_overflowed(b)) {
		attempt_give_up(l->links->app->attempts, a, OUTCOME_CONFIG_ERROR);
		return;
	}
	if (list_is_empty(&l->waiting) && !is_err(dial_send(l->socket, strbuf_str(b))))
		return;
	a->dial_text = xstrndup(strbuf_str(b));
	list_push_back(&l->waiting, &a->send_node);
	if (!l->wants_room) {
		l->wants_room = true;
		dial_on_writable(l->socket, on_room, l);
	}
}

void link_query(struct link *l, const struct attempt *a)
{
	if (l != NULL)
		(void)send_op(l, &(struct dialer_op){ .kind = DIALER_OP_QUERY, .id = a->id });
}

void link_hangup(struct link *l, const struct attempt *a, const char *reason)
{
	if (l != NULL)
		(void)send_op(l, &(struct dialer_op){ .kind = DIALER_OP_HANGUP,
						      .id = a->id,
						      .hangup_reason = str_from(reason) });
}

void link_ack(struct link *l, struct uuid attempt_id, int64_t seq)
{
	if (l != NULL)
		(void)send_op(l, &(struct dialer_op){
					 .kind = DIALER_OP_ACK, .id = attempt_id, .ack_seq = seq });
}

void link_forget(struct link *l, struct attempt *a)
{
	if (l != NULL)
		list_remove(&l->waiting, &a->send_node);
}

bool link_trunk(struct link *l, struct uuid trunk_id, struct str settings)
{
	return !is_err(send_op(l, &(struct dialer_op){ .kind = DIALER_OP_TRUNK,
						       .id = trunk_id,
						       .trunk_settings = settings }));
}

bool link_test(struct link *l, struct uuid test_id, struct uuid trunk_id)
{
	return l != NULL && !is_err(send_op(l, &(struct dialer_op){ .kind = DIALER_OP_TEST,
								    .id = test_id,
								    .test_trunk = trunk_id }));
}

bool link_wants_trunks(const struct link *l)
{
	return link_is_up(l) && (l->caps & DIALER_CAP_TRUNKS);
}

size_t links_with(const struct links *ls, unsigned cap, struct str names[LINKS_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < ls->n; i++)
		if (ls->v[i]->is_up && (ls->v[i]->caps & cap))
			names[n++] = str_from(ls->v[i]->name);
	return n;
}

bool link_is_up(const struct link *l)
{
	return l != NULL && l->is_up;
}

size_t links_count(const struct links *ls)
{
	return ls->n;
}

struct link *links_at(const struct links *ls, size_t i)
{
	return ls->v[i];
}

const char *link_name(const struct link *l)
{
	return l->name;
}

struct link *links_find(struct links *ls, struct str dialer)
{
	for (size_t i = 0; i < ls->n; i++)
		if (str_eq(dialer, str_from(ls->v[i]->name)))
			return ls->v[i];
	return NULL;
}

size_t links_live(const struct links *ls, struct str names[LINKS_MAX],
		  struct str instances[LINKS_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < ls->n; i++) {
		if (!ls->v[i]->is_up)
			continue;
		names[n] = str_from(ls->v[i]->name);
		instances[n++] = str_from(ls->v[i]->instance);
	}
	return n;
}

static struct err link_open(struct links *ls, struct str name, struct str address)
{
	if (ls->n == LINKS_MAX)
		return ERR(ERR_INVALID, "BELFRY_DIALERS names more than 8 dialers");
	if (name.n == 0 || address.n == 0)
		return ERR(ERR_INVALID, "BELFRY_DIALERS is name=address[,name=address...]");
	struct link *l = xcalloc(1, sizeof(*l));
	l->links = ls;
	l->name = xstrndup(name);
	list_init(&l->waiting);
	ls->v[ls->n++] = l;
	char *text = xstrndup(address);
	struct dial_options o = { .address = text,
				  .buffer_bytes = SOCKET_BUFFER,
				  .budget = READ_BUDGET };
	struct err e = dial_open(ls->app->loop, &o, on_message, l, &l->socket);
	free(text);
	return e;
}

struct err links_open(struct app *app, struct links **out)
{
	struct links *ls = xcalloc(1, sizeof(*ls));
	struct str rest = str_from(app->settings.dialers), item, name, address;
	struct err e = OK;

	ls->app = app;
	ls->arena = arena_new();
	strbuf_init(&ls->out, DIALER_MSG_MAX);
	ls->timer = timer_new(app->loop, on_timer, ls);
	while (rest.n > 0 && !is_err(e)) {
		(void)str_split(rest, ',', &item, &rest); /* the last one has no comma */
		(void)str_split(str_trim(item), '=', &name, &address);
		e = link_open(ls, name, address);
	}
	if (is_err(e)) {
		links_close(ls);
		return e;
	}
	timer_start(ls->timer, 0);
	*out = ls;
	return OK;
}

void links_close(struct links *ls)
{
	if (ls == NULL)
		return;
	for (size_t i = 0; i < ls->n; i++) {
		if (ls->v[i]->socket != NULL)
			dial_close(ls->v[i]->socket);
		free(ls->v[i]->name);
		free(ls->v[i]);
	}
	timer_free(ls->timer);
	strbuf_deinit(&ls->out);
	arena_free(ls->arena);
	free(ls);
}
