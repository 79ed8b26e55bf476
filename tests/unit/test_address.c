/* Which addresses a webhook may reach. */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "sec/address.h"
#include "vectors.h"

static struct sockaddr_storage address_of(struct str ip)
{
	struct sockaddr_storage sa = { .ss_family = AF_UNSPEC };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(443) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(443) };
	if (inet_pton(AF_INET, ip.p, &v4.sin_addr) == 1)
		memcpy(&sa, &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, ip.p, &v6.sin6_addr) == 1)
		memcpy(&sa, &v6, sizeof(v6));
	else
		fail_msg("%s is no address", ip.p);
	return sa;
}

static bool is_allowed(const struct address_policy *p, struct str ip)
{
	struct sockaddr_storage sa = address_of(ip);
	return address_is_allowed(p, (const struct sockaddr *)&sa);
}

static void public_addresses_only(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("addresses.json");
	struct address_policy *none = NULL;
	assert_ok(address_policy_new(STR(""), &none));
	for (const struct json_value *row = vectors_first(d, "addresses"); row;
	     row = json_next(row))
		CHECK(is_allowed(none, vectors_str(row, "ip")) == vectors_bool(row, "allowed"),
		      "%s: %s", vectors_str(row, "ip").p, vectors_str(row, "why").p);
	address_policy_free(none);
	json_doc_free(d);
}

static void exceptions_open_their_block_and_no_more(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("addresses.json");
	for (const struct json_value *row = vectors_first(d, "exceptions"); row;
	     row = json_next(row)) {
		struct address_policy *p = NULL;
		assert_ok(address_policy_new(vectors_str(row, "cidrs"), &p));
		CHECK(is_allowed(p, vectors_str(row, "ip")) == vectors_bool(row, "allowed"),
		      "%s with %s: %s", vectors_str(row, "ip").p, vectors_str(row, "cidrs").p,
		      vectors_str(row, "why").p);
		address_policy_free(p);
	}
	json_doc_free(d);
}

static void lists_that_are_no_cidrs_are_refused(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("addresses.json");
	for (const struct json_value *row = vectors_first(d, "bad_cidrs"); row;
	     row = json_next(row)) {
		struct address_policy *p = NULL;
		struct err e = address_policy_new(vectors_str(row, "cidrs"), &p);
		CHECK(e.code == ERR_INVALID && !p, "%s: %s", vectors_str(row, "cidrs").p,
		      vectors_str(row, "why").p);
	}
	json_doc_free(d);
}

static void the_list_of_exceptions_is_bounded(void **state)
{
	(void)state;
	struct address_policy *p = NULL;
	struct strbuf b;
	strbuf_init(&b, 4096);
	for (int i = 0; i < 64; i++)
		strbuf_addf(&b, "%s10.%d.0.0/16", i ? "," : "", i);
	assert_ok(address_policy_new(strbuf_str(&b), &p));
	assert_true(is_allowed(p, STR("10.63.0.1")));
	assert_false(is_allowed(p, STR("10.64.0.1")));
	address_policy_free(p);
	p = NULL;
	strbuf_add(&b, STR(",10.64.0.0/16"));
	assert_err(address_policy_new(strbuf_str(&b), &p), ERR_TOO_LARGE);
	assert_null(p);
	strbuf_deinit(&b);
}

static void other_families_and_scoped_addresses_are_denied(void **state)
{
	(void)state;
	struct address_policy *all = NULL;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_storage sa = address_of(STR("2606:4700::1"));
	struct sockaddr_in6 scoped;
	assert_ok(address_policy_new(STR("0.0.0.0/0,::/0"), &all));
	assert_true(address_is_allowed(all, (const struct sockaddr *)&sa));
	memcpy(&scoped, &sa, sizeof(scoped));
	scoped.sin6_scope_id = 1;
	assert_false(address_is_allowed(all, (const struct sockaddr *)&scoped));
	assert_false(address_is_allowed(all, (const struct sockaddr *)&un));
	address_policy_free(all);
	address_policy_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_addresses_only),
		cmocka_unit_test(exceptions_open_their_block_and_no_more),
		cmocka_unit_test(lists_that_are_no_cidrs_are_refused),
		cmocka_unit_test(the_list_of_exceptions_is_bounded),
		cmocka_unit_test(other_families_and_scoped_addresses_are_denied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
