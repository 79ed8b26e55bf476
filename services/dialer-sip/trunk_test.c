/* A test knows its trunk by id: the trunk's settings may change while it waits. */
#include "trunk_test.h"

#include <stdlib.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/log.h"

#define TESTS_MAX 256

struct trunk_test {
	struct trunk_tests *tests;
	struct list_node node;
	struct uuid id, trunk;
	void *asker;
	usec_t mono_began;
	struct timer *timer;
	struct ua_ping *ping; /* NULL = none is on its way */
};

struct trunk_tests {
	struct loop *loop;
	struct ua *ua;
	struct trunks *trunks;
	trunk_tested_fn fn;
	void *arg;
	struct list open;
};

static const char *reason_of(const struct ua_pong *p)
{
	if (p->status == 0)
		return p->failure ? p->failure : "no answer in time";
	if (p->status == 401 || p->status == 407)
		return "the carrier does not take the credentials";
	if (p->status == 408 || p->status == 503)
		return "the carrier says that it is not available";
	return p->status < 300 ? "OK" : "the carrier is there, and refuses OPTIONS";
}

static void free_test(struct trunk_test *t)
{
	list_remove(&t->tests->open, &t->node);
	ua_ping_free(t->ping);
	timer_free(t->timer);
	free(t);
}

static void tell(struct trunk_test *t, bool is_ok, int status, const char *reason)
{
	struct trunk_tests *tt = t->tests;
	struct dialer_event ev = { .kind = DIALER_EV_TESTED,
				   .id = t->id,
				   .t_us = clock_now(),
				   .sip = status,
				   .tested = { .trunk = t->trunk,
					       .is_ok = is_ok,
					       .reason = str_from(reason),
					       .latency_us =
						       loop_mono(tt->loop) - t->mono_began } };

	ev.tested.state = trunks_state(tt->trunks, t->trunk, &ev.tested.until);
	log_info("trunk_tested", LID("trunk", ID_TRUNK, t->trunk), LS("ok", is_ok ? "yes" : "no"),
		 LI("sip", status), LS("reason", reason));
	tt->fn(&ev, t->asker, tt->arg);
	free_test(t);
}

static void on_pong(const struct ua_pong *p, void *arg)
{
	struct trunk_test *t = arg;
	bool is_there = trunks_heard(t->tests->trunks, t->trunk, p->status);

	tell(t, is_there && p->status != 401 && p->status != 407, p->status, reason_of(p));
}

static void on_timer(void *arg)
{
	on_pong(&(struct ua_pong){ .status = 0, .failure = "no answer within 5 s" }, arg);
}

static struct err ask(struct trunk_test *t, const struct trunk *trunk)
{
	const struct sip_trunk *s = trunk_settings(trunk);
	struct strbuf uri;

	strbuf_init(&uri, 1024);
	trunk_uri(s, STR_NONE, true, &uri);
	struct err e = ua_ping_new(t->tests->ua,
				   &(struct ua_ping_options){ .uri = strbuf_str(&uri).p,
							      .tls = trunk_tls(trunk),
							      .user = s->username.p,
							      .password = s->password.p,
							      .fn = on_pong,
							      .arg = t },
				   &t->ping);
	strbuf_deinit(&uri);
	return e;
}

void trunk_tests_begin(struct trunk_tests *tt, struct uuid id, struct uuid trunk, void *asker)
{
	const struct trunk *of = trunks_find(tt->trunks, trunk);
	struct trunk_test *t = xcalloc(1, sizeof(*t));

	t->tests = tt;
	t->id = id;
	t->trunk = trunk;
	t->asker = asker;
	t->mono_began = loop_mono(tt->loop);
	list_push_back(&tt->open, &t->node);
	if (tt->open.n > TESTS_MAX) {
		tell(t, false, 0, "too many tests at once");
	} else if (!of || !trunk_settings(of)) {
		tell(t, false, 0,
		     of && trunk_is_at_fault(of) ? "the trunk's settings cannot be used"
						 : "the dialer does not know this trunk");
	} else {
		struct err e = ask(t, of);
		if (is_err(e)) {
			on_pong(&(struct ua_pong){ .status = 0, .failure = e.what }, t);
			return;
		}
		t->timer = timer_new(tt->loop, on_timer, t);
		timer_start(t->timer, TRUNK_TEST_US);
	}
}

struct trunk_tests *trunk_tests_new(struct loop *l, struct ua *u, struct trunks *ts,
				    trunk_tested_fn fn, void *arg)
{
	struct trunk_tests *tt = xcalloc(1, sizeof(*tt));

	tt->loop = l;
	tt->ua = u;
	tt->trunks = ts;
	tt->fn = fn;
	tt->arg = arg;
	list_init(&tt->open);
	return tt;
}

void trunk_tests_free(struct trunk_tests *tt)
{
	if (!tt)
		return;
	while (!list_is_empty(&tt->open))
		free_test(CONTAINER_OF(list_first(&tt->open), struct trunk_test, node));
	free(tt);
}
