/* Deliveries: the schedule, the table of answers, the pace of an endpoint, and who sends to it. */
#include "check.h"

#include <string.h>

#include "base/parse.h"
#include "domain/delivery.h"
#include "vectors.h"

static struct delivery_schedule default_schedule(void)
{
	struct delivery_schedule s;
	assert_ok(delivery_schedule_parse(STR(DELIVERY_SCHEDULE_DEFAULT), 1, &s));
	return s;
}

static double scale_of(const struct json_value *row)
{
	double scale;
	assert_ok(parse_double(vectors_str(row, "scale"), -1e6, 1e6, &scale));
	return scale;
}

static void schedules_are_as_the_vectors(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("webhook_outcomes.json");
	for (const struct json_value *row = vectors_first(d, "schedules"); row;
	     row = json_next(row)) {
		struct delivery_schedule s;
		const struct json_value *delay = json_first(json_get(row, "delays_us"));
		assert_ok(delivery_schedule_parse(vectors_str(row, "text"), scale_of(row), &s));
		for (size_t i = 0; i < DELIVERY_ATTEMPTS; i++, delay = json_next(delay)) {
			int64_t want;
			assert_true(json_as_i64(delay, &want));
			CHECK(s.delay_us[i] == want, "%s [%zu]", vectors_str(row, "text").p, i);
		}
	}
	json_doc_free(d);
}

static void bad_schedules_are_refused(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("webhook_outcomes.json");
	for (const struct json_value *row = vectors_first(d, "bad_schedules"); row;
	     row = json_next(row)) {
		struct delivery_schedule s = { { 7 } };
		struct err e = delivery_schedule_parse(vectors_str(row, "text"), scale_of(row), &s);
		CHECK(e.code == ERR_INVALID, "%s", vectors_str(row, "text").p);
		CHECK(s.delay_us[0] == 7, "%s wrote", vectors_str(row, "text").p);
	}
	json_doc_free(d);
}

static void jitter_is_a_fifth_at_most(void **state)
{
	(void)state;
	struct delivery_schedule s = default_schedule();
	assert_int_equal(delivery_delay(&s, 1, 0.5), 0);
	assert_int_equal(delivery_delay(&s, 2, 0), 4 * USEC_PER_SEC);
	assert_int_equal(delivery_delay(&s, 2, 0.5), 5 * USEC_PER_SEC);
	for (int i = 0; i < 1000; i++) {
		usec_t delay = delivery_delay(&s, 6, i / 1000.0);
		assert_true(delay >= 57600 * USEC_PER_SEC && delay < 86400 * USEC_PER_SEC);
	}
}

/* --- answers -------------------------------------------------------------------------------- */

static enum delivery_answer answer_of(struct str name)
{
	static const char *const names[DELIVERY_ANSWER_COUNT] = { "answered", "timeout",
								  "not_connected", "broken",
								  "blocked" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(name, str_from(names[i])))
			return (enum delivery_answer)i;
	}
	fail_msg("no answer is called %.*s", STR_ARG(name));
	return DELIVERY_ANSWER_COUNT;
}

static const char *next_name(enum delivery_next n)
{
	static const char *const names[DELIVERY_NEXT_COUNT] = { "delivered", "retry", "dead" };
	return n < DELIVERY_NEXT_COUNT ? names[n] : "?";
}

static const char *streak_name(enum delivery_streak s)
{
	static const char *const names[DELIVERY_STREAK_COUNT] = { "keep", "ends", "grows" };
	return s < DELIVERY_STREAK_COUNT ? names[s] : "?";
}

static void check_answer(const struct json_value *row, usec_t now)
{
	struct delivery_schedule s = default_schedule();
	const char *why = vectors_str(row, "why").p;
	const struct json_value *reason = json_get(row, "reason");
	const struct json_value *after = json_get(row, "retry_after");
	struct delivery_facts f = {
		.number = (int)vectors_i64(row, "number"),
		.answer = answer_of(vectors_str(row, "answer")),
		.status = (int)vectors_i64(row, "status"),
		.retry_after = after ? json_as_str(after) : STR_NONE,
		.duration_us = vectors_i64(row, "duration_ms") * USEC_PER_MS,
	};
	double factor;
	assert_true(json_as_double(json_get(row, "factor"), &factor));
	struct delivery_verdict v = delivery_judge(&s, &f, now, (factor - 0.8) / 0.4);

	CHECK(str_eq(vectors_str(row, "next"), str_from(next_name(v.next))), "%s: %s", why,
	      next_name(v.next));
	CHECK(str_eq(vectors_str(row, "streak"), str_from(streak_name(v.streak))), "%s: %s", why,
	      streak_name(v.streak));
	CHECK(v.disables_endpoint == vectors_bool(row, "disables"), "%s", why);
	CHECK(v.gate_us == vectors_i64(row, "gate_s") * USEC_PER_SEC, "%s: %" PRId64, why,
	      v.gate_us);
	usec_t off = v.delay_us - vectors_i64(row, "delay_s") * USEC_PER_SEC;
	CHECK(off >= -10 && off <= 10, "%s: %" PRId64, why, v.delay_us);
	CHECK(str_eq(reason ? json_as_str(reason) : STR_NONE, str_from(v.reason)), "%s: %s", why,
	      v.reason ? v.reason : "none");
}

static void answers_are_judged_as_the_vectors(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("webhook_outcomes.json");
	usec_t now = vectors_i64(json_doc_root(d), "now_s") * USEC_PER_SEC;
	for (const struct json_value *row = vectors_first(d, "answers"); row; row = json_next(row))
		check_answer(row, now);
	json_doc_free(d);
}

static void retry_after_is_read_as_the_vectors(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("webhook_outcomes.json");
	usec_t now = vectors_i64(json_doc_root(d), "now_s") * USEC_PER_SEC;
	for (const struct json_value *row = vectors_first(d, "retry_after"); row;
	     row = json_next(row)) {
		struct str text = vectors_str(row, "text");
		usec_t want = vectors_i64(row, "wait_s") * USEC_PER_SEC;
		usec_t got = delivery_retry_after(text, now);
		CHECK(got == want, "'%.*s': %" PRId64, STR_ARG(text), got);
	}
	assert_int_equal(delivery_retry_after(STR_NONE, now), 0);
	json_doc_free(d);
}

/* However the answers come, the sixth attempt is the last. */
static void no_answer_leads_to_a_seventh_attempt(void **state)
{
	(void)state;
	struct delivery_schedule s = default_schedule();
	for (int answer = 0; answer < DELIVERY_ANSWER_COUNT; answer++) {
		for (int status = 100; status < 600; status++) {
			struct delivery_facts f = { .number = DELIVERY_ATTEMPTS,
						    .answer = (enum delivery_answer)answer,
						    .status = status };
			struct delivery_verdict v = delivery_judge(&s, &f, 0, 0.5);
			CHECK(v.next != DELIVERY_RETRY, "answer %d status %d", answer, status);
			CHECK(v.next == DELIVERY_DELIVERED || v.reason, "status %d", status);
		}
	}
}

/* --- pace and place ------------------------------------------------------------------------- */

static void parallel_requests_follow_trust_and_streak(void **state)
{
	(void)state;
	static const struct {
		int streak, proven, limit, want;
	} rows[] = {
		{ 0, 0, 512, 1 },  { 0, 1, 512, 2 }, { 0, 7, 512, 8 },  { 0, 8, 512, 8 },
		{ 0, 99, 512, 8 }, { 4, 8, 512, 8 }, { 5, 8, 512, 1 },  { 100, 8, 512, 1 },
		{ 0, 8, 32, 4 },   { 0, 8, 4, 1 },   { 0, -1, 512, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int got = delivery_parallel(rows[i].streak, rows[i].proven, rows[i].limit);
		CHECK(got == rows[i].want, "row %zu: %d", i, got);
	}
}

static struct uuid nth_id(uint8_t kind, unsigned n)
{
	struct uuid u = { { 0x01, 0x9a, 0, 0, 0, 0, 0x70, kind, 0x80 } };
	u.b[14] = (uint8_t)(n >> 8);
	u.b[15] = (uint8_t)n;
	return u;
}

static void senders_share_endpoints_evenly(void **state)
{
	(void)state;
	struct uuid senders[4];
	int n_of[4] = { 0 };
	for (unsigned i = 0; i < 4; i++)
		senders[i] = nth_id(1, i);
	for (unsigned i = 0; i < 4000; i++) {
		struct uuid owner = delivery_sender_of(nth_id(2, i), senders, 4);
		for (size_t k = 0; k < 4; k++)
			n_of[k] += uuid_eq(owner, senders[k]);
	}
	for (size_t k = 0; k < 4; k++)
		CHECK(n_of[k] > 850 && n_of[k] < 1150, "sender %zu has %d of 4000", k, n_of[k]);
}

static void a_sender_that_goes_moves_only_its_own(void **state)
{
	(void)state;
	struct uuid four[4], three[3];
	for (unsigned i = 0; i < 4; i++)
		four[i] = nth_id(1, i);
	/* The third goes, and the rest stand in another order. */
	three[0] = four[3];
	three[1] = four[0];
	three[2] = four[1];
	for (unsigned i = 0; i < 1000; i++) {
		struct uuid endpoint = nth_id(2, i);
		struct uuid before = delivery_sender_of(endpoint, four, 4);
		struct uuid after = delivery_sender_of(endpoint, three, 3);
		CHECK(uuid_eq(before, four[2]) || uuid_eq(before, after), "endpoint %u moved", i);
	}
}

static void a_lone_sender_has_all(void **state)
{
	(void)state;
	struct uuid one = nth_id(1, 0);
	assert_true(uuid_eq(delivery_sender_of(nth_id(2, 5), &one, 1), one));
	assert_true(uuid_eq(delivery_sender_of(UUID_NIL, &one, 1), one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedules_are_as_the_vectors),
		cmocka_unit_test(bad_schedules_are_refused),
		cmocka_unit_test(jitter_is_a_fifth_at_most),
		cmocka_unit_test(answers_are_judged_as_the_vectors),
		cmocka_unit_test(retry_after_is_read_as_the_vectors),
		cmocka_unit_test(no_answer_leads_to_a_seventh_attempt),
		cmocka_unit_test(parallel_requests_follow_trust_and_streak),
		cmocka_unit_test(senders_share_endpoints_evenly),
		cmocka_unit_test(a_sender_that_goes_moves_only_its_own),
		cmocka_unit_test(a_lone_sender_has_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
