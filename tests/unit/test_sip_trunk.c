/* Settings of SIP trunks and addresses of agents: what is taken, what is refused, what an answer of the
 * carrier means. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "wire/sip_trunk.h"
#include "wire/trunk_secret.h"

struct decoded {
	bool is_good;
	struct sip_trunk t;
	struct json_faults faults;
	struct arena *arena;
	struct json_doc *doc;
};

static void decode(const char *text, struct decoded *out)
{
	struct json_limits limits = { .max_bytes = 65536, .max_depth = 32 };

	memset(out, 0, sizeof(*out));
	out->arena = arena_new();
	assert_ok(json_parse(str_from(text), limits, &out->doc, NULL));
	out->is_good = sip_trunk_decode(json_doc_root(out->doc), "/settings", out->arena,
					&out->faults, &out->t);
}

static void done(struct decoded *d)
{
	json_doc_free(d->doc);
	arena_free(d->arena);
}

static void the_least_is_a_host(void **state)
{
	(void)state;
	struct decoded d;

	decode("{\"host\":\"sip.example.com\"}", &d);
	assert_true(d.is_good);
	assert_str(d.t.host, "sip.example.com");
	assert_int_equal(d.t.transport, SIP_UDP);
	assert_false(d.t.is_late_offer);
	assert_false(d.t.is_agent_on_ringing);
	assert_int_equal(d.t.max_concurrent, 0);
	assert_int_equal(d.t.keep_alive_us, 30 * USEC_PER_SEC);
	done(&d);
}

static void all_of_it_is_read(void **state)
{
	(void)state;
	struct decoded d;

	decode("{\"host\":\"[2001:db8::1]:5061\",\"transport\":\"tls\",\"username\":\"u\","
	       "\"password\":\"p\",\"flow\":\"late_offer\",\"agent_start\":\"ringing\","
	       "\"advertise_ip\":\"192.0.2.1\",\"verify_host\":\"x.example\",\"ca\":null,"
	       "\"max_concurrent\":7,\"calls_per_second\":0.5,\"keep_alive_s\":0,"
	       "\"outcomes\":{\"480\":\"busy\",\"q850:34\":\"rate_limited\"},\"later\":1}",
	       &d);
	assert_true(d.is_good);
	assert_int_equal(d.t.transport, SIP_TLS);
	assert_true(d.t.is_late_offer);
	assert_true(d.t.is_agent_on_ringing);
	assert_int_equal(d.t.max_concurrent, 7);
	assert_true(d.t.calls_per_second > 0.49 && d.t.calls_per_second < 0.51);
	assert_int_equal(d.t.keep_alive_us, 0);
	assert_int_equal(d.t.overrides_n, 2);
	done(&d);
}

static void faults_name_their_member(void **state)
{
	static const struct {
		const char *text, *pointer;
	} rows[] = {
		{ "{}", "/settings/host" },
		{ "{\"host\":\"a b\"}", "/settings/host" },
		{ "{\"host\":\"a\\r\\nb\"}", "/settings/host" },
		{ "{\"host\":\"h\",\"transport\":\"sctp\"}", "/settings/transport" },
		{ "{\"host\":\"h\",\"flow\":\"\"}", "/settings/flow" },
		{ "{\"host\":\"h\",\"username\":\"a\\\"b\"}", "/settings/username" },
		{ "{\"host\":\"h\",\"calls_per_second\":-1}", "/settings/calls_per_second" },
		{ "{\"host\":\"h\",\"max_concurrent\":0}", "/settings/max_concurrent" },
		{ "{\"host\":\"h\",\"outcomes\":{\"299\":\"busy\"}}", "/settings/outcomes" },
		{ "{\"host\":\"h\",\"outcomes\":{\"486\":\"answered\"}}", "/settings/outcomes" },
		{ "{\"host\":\"h\",\"outcomes\":{\"q850:\":\"busy\"}}", "/settings/outcomes" },
		{ "{\"host\":\"h\",\"outcomes\":{\"486\":7}}", "/settings/outcomes" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct decoded d;
		decode(rows[i].text, &d);
		CHECK(!d.is_good && d.faults.n == 1, "%s", rows[i].text);
		assert_string_equal(d.faults.v[0].pointer, rows[i].pointer);
		done(&d);
	}
}

static void a_cause_beats_a_status_beats_the_table(void **state)
{
	static const struct {
		struct outcome_sip s;
		enum outcome expected;
	} rows[] = {
		{ { .status = 480 }, OUTCOME_REJECTED },
		{ { .status = 480, .q850 = 34 }, OUTCOME_RATE_LIMITED },
		{ { .status = 503, .q850 = 34 }, OUTCOME_RATE_LIMITED },
		{ { .status = 486 }, OUTCOME_BUSY },
		{ { .status = 480, .was_answered = true }, OUTCOME_ANSWERED },
		{ { .status = 480, .has_timed_out = true }, OUTCOME_NO_ANSWER },
	};
	(void)state;
	struct decoded d;

	decode("{\"host\":\"h\",\"outcomes\":{\"480\":\"rejected\",\"q850:34\":\"rate_limited\"}}",
	       &d);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(sip_trunk_outcome(&d.t, &rows[i].s) == rows[i].expected, "row %zu", i);
	done(&d);
}

static void addresses_of_agents(void **state)
{
	static const struct {
		const char *uri, *host; /* no host: refused */
	} rows[] = {
		{ "sip:a@b.example", "b.example" },
		{ "sip:b.example:5061;transport=tls", "b.example" },
		{ "sips:a@b.example", "b.example" },
		{ "sip:a@[2001:db8::1]:5060", "2001:db8::1" },
		{ "sip:a@b?x=y", "b" },
		{ "tel:+1555", NULL },
		{ "sip:", NULL },
		{ "sip:a@", NULL },
		{ "sip:a b@c", NULL },
		{ "sip:a@c>", NULL },
		{ "sip:a@c\r\nX: y", NULL },
		{ "sip:\xc3\xa9@c", NULL },
		{ "SIP", NULL },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool is_good = sip_uri_is_valid(str_from(rows[i].uri));
		CHECK(is_good == (rows[i].host != NULL), "%s", rows[i].uri);
		if (is_good)
			assert_str(sip_uri_host(str_from(rows[i].uri)), rows[i].host);
	}
}

/* --- secrets --------------------------------------------------------------------------------- */

#define KEYS "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static const uint8_t nonce[SECRETBOX_NONCE] = { 1, 2, 3 };
static const struct uuid trunk = { { 0x01, 0x9a, 0, 0, 0, 0, 0x70, 0, 0x80, 1 } };
static const struct uuid another = { { 0x01, 0x9a, 0, 0, 0, 0, 0x70, 0, 0x80, 2 } };

static void settings_and_secrets_come_together_again(void **state)
{
	static const struct {
		const char *open, *secret, *whole;
	} rows[] = {
		{ "{\"host\": \"h\"}", "{\"password\":\"p\"}",
		  "{\"host\": \"h\",\"password\":\"p\"}" },
		{ "{}", "{\"password\":\"p\"}", "{\"password\":\"p\"}" },
		{ "{\"host\":\"h\"}", NULL, "{\"host\":\"h\"}" },
	};
	(void)state;
	struct secretbox *box = NULL;

	assert_ok(secretbox_new(STR(KEYS), &box));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf sealed, whole;
		strbuf_init(&sealed, 4096);
		strbuf_init(&whole, 4096);
		if (rows[i].secret)
			assert_ok(trunk_secret_seal(box, trunk, str_from(rows[i].secret), nonce,
						    &sealed));
		assert_ok(trunk_secret_join(box, trunk, str_from(rows[i].open), strbuf_str(&sealed),
					    &whole));
		assert_str(strbuf_str(&whole), rows[i].whole);
		strbuf_deinit(&whole);
		strbuf_deinit(&sealed);
	}
	secretbox_free(box);
}

static void another_trunk_cannot_use_them(void **state)
{
	(void)state;
	struct secretbox *box = NULL;
	struct strbuf sealed, whole;

	assert_ok(secretbox_new(STR(KEYS), &box));
	strbuf_init(&sealed, 4096);
	strbuf_init(&whole, 4096);
	assert_ok(trunk_secret_seal(box, trunk, STR("{\"password\":\"p\"}"), nonce, &sealed));
	struct err e = trunk_secret_join(box, another, STR("{}"), strbuf_str(&sealed), &whole);
	assert_true(is_err(e));
	assert_int_equal(whole.n, 0);
	strbuf_deinit(&whole);
	strbuf_deinit(&sealed);
	secretbox_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_is_a_host),
		cmocka_unit_test(all_of_it_is_read),
		cmocka_unit_test(faults_name_their_member),
		cmocka_unit_test(a_cause_beats_a_status_beats_the_table),
		cmocka_unit_test(addresses_of_agents),
		cmocka_unit_test(settings_and_secrets_come_together_again),
		cmocka_unit_test(another_trunk_cannot_use_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
