/* nanomsg on the loop: both ends in one process, on sockets in a private directory. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dial/dial.h"

#define GIVE_UP_US (10 * USEC_PER_SEC)

/* nanomsg 1.1.5 leaks an endpoint that cannot be bound. Asked by LeakSanitizer. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:nn_bipc_create\n";
}

struct bench {
	struct loop *loop;
	struct timer *give_up;
	char dir[64], address[96];
	struct dial_socket *dialer, *dispatcher;
	size_t at_dialer, at_dispatcher;
	size_t stop_after; /* messages at the dialer */
	size_t sent, refused;
	bool is_echo, closes_itself;
	char last[64];
};

static void give_up(void *arg)
{
	(void)arg;
	fail_msg("the loop waited for something that did not come");
}

static void at_dialer(struct dial_socket *s, struct str message, void *arg)
{
	struct bench *b = arg;

	b->at_dialer++;
	assert_true(message.n < sizeof(b->last));
	memcpy(b->last, message.p, message.n);
	b->last[message.n] = '\0';
	if (b->is_echo)
		assert_ok(dial_send(s, message));
	if (b->closes_itself) {
		dial_close(s);
		b->dialer = NULL;
		loop_stop(b->loop);
	}
	if (b->at_dialer == b->stop_after)
		loop_stop(b->loop);
}

static void at_dispatcher(struct dial_socket *s, struct str message, void *arg)
{
	struct bench *b = arg;

	(void)s;
	assert_str(message, "hello");
	b->at_dispatcher++;
	loop_stop(b->loop);
}

static struct err open_end(struct bench *b, bool bind, struct dial_socket **out)
{
	struct dial_options o = {
		.address = b->address, .bind = bind, .buffer_bytes = 65536, .budget = 10
	};

	return dial_open(b->loop, &o, bind ? at_dialer : at_dispatcher, b, out);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->loop = loop_new();
	b->give_up = timer_new(b->loop, give_up, b);
	timer_start(b->give_up, GIVE_UP_US);
	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/belfry-dial-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(b->address, sizeof(b->address), "ipc://%s/s", b->dir);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	dial_close(b->dialer);
	dial_close(b->dispatcher);
	timer_free(b->give_up);
	loop_free(b->loop);
	(void)unlink(b->address + strlen("ipc://"));
	assert_int_equal(rmdir(b->dir), 0);
	free(b);
	return 0;
}

static void send_hello(void *arg)
{
	struct bench *b = arg;

	assert_ok(dial_send(b->dispatcher, STR("hello")));
}

static void a_message_goes_there_and_back(void **state)
{
	struct bench *b = *state;

	b->is_echo = true;
	assert_ok(open_end(b, true, &b->dialer));
	assert_ok(open_end(b, false, &b->dispatcher));
	dial_on_writable(b->dispatcher, send_hello, b);
	loop_run(b->loop);
	assert_int_equal(b->at_dialer, 1);
	assert_int_equal(b->at_dispatcher, 1);
	assert_string_equal(dial_address(b->dialer), b->address);
}

static void without_a_peer_a_send_is_back_pressure(void **state)
{
	struct bench *b = *state;

	assert_ok(open_end(b, true, &b->dialer));
	assert_err(dial_send(b->dialer, STR("hello")), ERR_OVERLOADED);
}

static void flood(void *arg)
{
	struct bench *b = arg;
	char text[32];

	while (b->sent < b->stop_after) {
		int n = snprintf(text, sizeof(text), "%zu", b->sent);
		struct err e = dial_send(b->dispatcher, (struct str){ text, (size_t)n });
		if (is_err(e)) {
			assert_err(e, ERR_OVERLOADED);
			b->refused++;
			dial_on_writable(b->dispatcher, flood, b);
			return;
		}
		b->sent++;
	}
}

static void a_full_socket_refuses_and_nothing_is_lost(void **state)
{
	struct bench *b = *state;
	char expected[32];

	b->stop_after = 20000;
	assert_ok(open_end(b, true, &b->dialer));
	assert_ok(open_end(b, false, &b->dispatcher));
	dial_on_writable(b->dispatcher, flood, b);
	loop_run(b->loop);
	assert_int_equal(b->at_dialer, b->stop_after);
	assert_true(b->refused > 1);
	(void)snprintf(expected, sizeof(expected), "%zu", b->stop_after - 1);
	assert_string_equal(b->last, expected);
}

static void a_dispatcher_that_comes_first_is_connected_later(void **state)
{
	struct bench *b = *state;

	b->is_echo = true;
	assert_ok(open_end(b, false, &b->dispatcher));
	assert_err(dial_send(b->dispatcher, STR("hello")), ERR_OVERLOADED);
	dial_on_writable(b->dispatcher, send_hello, b);
	assert_ok(open_end(b, true, &b->dialer));
	loop_run(b->loop);
	assert_int_equal(b->at_dispatcher, 1);
}

static void the_next_dispatcher_takes_the_slot_over(void **state)
{
	struct bench *b = *state;

	b->is_echo = true;
	assert_ok(open_end(b, true, &b->dialer));
	for (int i = 1; i <= 3; i++) {
		assert_ok(open_end(b, false, &b->dispatcher));
		dial_on_writable(b->dispatcher, send_hello, b);
		loop_run(b->loop);
		assert_int_equal(b->at_dispatcher, i);
		dial_close(b->dispatcher);
		b->dispatcher = NULL;
	}
}

static void a_callback_may_close_its_socket(void **state)
{
	struct bench *b = *state;

	b->closes_itself = true;
	assert_ok(open_end(b, true, &b->dialer));
	assert_ok(open_end(b, false, &b->dispatcher));
	b->stop_after = 3;
	dial_on_writable(b->dispatcher, flood, b);
	loop_run(b->loop);
	assert_int_equal(b->at_dialer, 1);
	assert_null(b->dialer);
}

static void an_address_is_bound_once(void **state)
{
	struct bench *b = *state;
	struct dial_socket *other = NULL;

	assert_ok(open_end(b, true, &b->dialer));
	assert_err(open_end(b, true, &other), ERR_CONFLICT);
	assert_null(other);
}

static void wrong_addresses_are_refused(void **state)
{
	static const char long_path[] = "ipc:///tmp/"
					"0123456789012345678901234567890123456789012345678901234567"
					"89012345678901234567890123456789012345678901234567890";
	static const char *const addresses[] = { "", "ipc://", "tcp://127.0.0.1:1", "/tmp/x",
						 long_path };
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct dial_options o = {
			.address = addresses[i], .bind = true, .buffer_bytes = 65536, .budget = 10
		};
		struct err e = dial_open(b->loop, &o, at_dialer, b, &b->dialer);
		CHECK(e.code == ERR_INVALID, "%s", addresses[i]);
	}
	(void)snprintf(b->address, sizeof(b->address), "ipc://%s/no/such/dir", b->dir);
	assert_err(open_end(b, true, &b->dialer), ERR_IO);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_goes_there_and_back),
		TEST(without_a_peer_a_send_is_back_pressure),
		TEST(a_full_socket_refuses_and_nothing_is_lost),
		TEST(a_dispatcher_that_comes_first_is_connected_later),
		TEST(the_next_dispatcher_takes_the_slot_over),
		TEST(a_callback_may_close_its_socket),
		TEST(an_address_is_bound_once),
		TEST(wrong_addresses_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
