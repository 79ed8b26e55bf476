/* The forms of BELFRY_REDIS_URL. */
#include "check.h"

#include <string.h>

#include "redis/redis_internal.h"

static struct redis_url parse(const char *text)
{
	struct redis_url u;
	struct err e = redis_url_parse(str_from(text), &u);
	CHECK(!is_err(e), "%s: %s", text, e.what);
	return u;
}

static void a_server_with_all_it_may_have(void **state)
{
	(void)state;
	struct redis_url u =
		parse("rediss://me:p%40ss%2F@[::1]:7000/3?ca=/etc/ca.pem&tls_name=redis");
	assert_true(u.is_tls);
	assert_int_equal(u.n_hosts, 1);
	assert_string_equal(u.hosts[0].name, "::1");
	assert_int_equal(u.hosts[0].port, 7000);
	assert_string_equal(u.user, "me");
	assert_string_equal(u.password, "p@ss/");
	assert_int_equal(u.db, 3);
	assert_string_equal(u.ca, "/etc/ca.pem");
	assert_string_equal(u.tls_name, "redis");
	assert_string_equal(u.master, "");
	u = parse("redis://h");
	assert_false(u.is_tls);
	assert_int_equal(u.hosts[0].port, 6379);
}

static void sentinels_and_their_master(void **state)
{
	(void)state;
	struct redis_url u =
		parse("redis+sentinel://:secret@a,b:5,[::1]/calls/2?sentinel_password=s");
	assert_int_equal(u.n_hosts, 3);
	assert_string_equal(u.hosts[0].name, "a");
	assert_int_equal(u.hosts[0].port, 26379);
	assert_int_equal(u.hosts[1].port, 5);
	assert_string_equal(u.hosts[2].name, "::1");
	assert_string_equal(u.master, "calls");
	assert_string_equal(u.password, "secret");
	assert_string_equal(u.sentinel_password, "s");
	assert_int_equal(u.db, 2);
	assert_true(parse("rediss+sentinel://a/m").is_tls);
}

static void what_is_no_url_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "http://h",
					   "redis://",
					   "redis://h:0",
					   "redis://h:65536",
					   "redis://h/x",
					   "redis://user@h",
					   "redis://:%zz@h",
					   "redis://h?ca=/x",
					   "redis://h?sentinel_password=x",
					   "redis://h?what=x",
					   "rediss://h?ca",
					   "redis://a,b",
					   "redis+sentinel://a",
					   "redis+sentinel://a/",
					   "redis+sentinel://a,,b/m",
					   "redis+sentinel:///m",
					   "redis+sentinel://1,2,3,4,5,6,7,8,9/m",
					   "unix://relative" };
	struct redis_url u;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(is_err(redis_url_parse(str_from(bad[i]), &u)), "%s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_with_all_it_may_have),
		cmocka_unit_test(sentinels_and_their_master),
		cmocka_unit_test(what_is_no_url_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
