/* Session descriptions under our origin line. */
#include "check.h"

#include "../../services/dialer-sip/sdp.h"

#define THEIRS                                                                                     \
	"v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"                \
	"m=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n"

static void only_the_origin_is_ours(void **state)
{
	(void)state;
	struct sdp_origin o = { .ip = "203.0.113.7", .session = 42 };
	struct strbuf b;

	strbuf_init(&b, SDP_MAX);
	sdp_relay(&o, STR(THEIRS), &b);
	assert_str(strbuf_str(&b), "v=0\r\no=- 42 1 IN IP4 203.0.113.7\r\ns=-\r\n"
				   "c=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
				   "a=sendrecv\r\n");
	strbuf_deinit(&b);
}

static void each_description_is_a_new_version(void **state)
{
	(void)state;
	struct sdp_origin o = { .ip = "2001:db8::7", .session = 42 };
	struct strbuf b;

	strbuf_init(&b, SDP_MAX);
	sdp_black_hole(&o, &b);
	assert_true(str_starts(strbuf_str(&b), STR("v=0\r\no=- 42 1 IN IP6 2001:db8::7\r\n")));
	strbuf_reset(&b);
	sdp_relay(&o, STR("v=0\no=x 1 1 IN IP4 1.1.1.1\ns=-\nm=audio 1 RTP/AVP 0"), &b);
	assert_str(strbuf_str(&b), "v=0\r\no=- 42 2 IN IP6 2001:db8::7\r\ns=-\r\n"
				   "m=audio 1 RTP/AVP 0\r\n");
	strbuf_reset(&b);
	sdp_relay(&o, STR_NONE, &b);
	assert_int_equal(b.n, 0);
	strbuf_deinit(&b);
}

static void the_same_media_is_the_same(void **state)
{
	static const struct {
		const char *a, *b;
		bool is_same;
	} rows[] = {
		{ THEIRS, THEIRS, true },
		{ THEIRS,
		  "v=0\no=y 9 9 IN IP4 192.0.2.9\ns=x\nc=IN IP4 192.0.2.9\nt=1 1\n"
		  "m=audio 4000 RTP/AVP 0\na=sendrecv\n",
		  true },
		{ THEIRS, "v=0\nc=IN IP4 192.0.2.9\nm=audio 4002 RTP/AVP 0\na=sendrecv\n", false },
		{ THEIRS, "v=0\nc=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 0\n", false },
		{ "", "", true },
		{ THEIRS, "", false },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(sdp_is_same_media(str_from(rows[i].a), str_from(rows[i].b)) ==
			      rows[i].is_same,
		      "row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_origin_is_ours),
		cmocka_unit_test(each_description_is_a_new_version),
		cmocka_unit_test(the_same_media_is_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
