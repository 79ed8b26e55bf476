/* Settings of a trunk that are taken can be used in a header; a description that is relayed is lines. */
#include "base/str.h"
#include "wire/sip_trunk.h"

static void check_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		ASSERT((unsigned char)s.p[i] >= 0x20 && s.p[i] != '"');
}

static void check_trunk(const struct sip_trunk *t)
{
	ASSERT(t->host.n > 0 && t->transport < SIP_TRANSPORT_COUNT);
	check_text(t->host);
	check_text(t->username);
	check_text(t->password);
	check_text(t->advertise_ip);
	check_text(t->verify_host);
	check_text(t->from_domain);
	ASSERT(t->max_concurrent >= 0 && t->calls_per_second >= 0 && t->keep_alive_us >= 0);
	ASSERT(t->overrides_n <= SIP_OVERRIDES_MAX);
	for (size_t i = 0; i < t->overrides_n; i++) {
		const struct sip_override *o = &t->overrides[i];
		ASSERT((o->sip >= 300 && o->sip <= 699) != (o->q850 >= 1 && o->q850 <= 127));
		ASSERT(o->outcome != OUTCOME_ANSWERED && o->outcome != OUTCOME_NONE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct json_doc *d = NULL;
	struct json_faults faults = { .n = 0 };
	struct sip_trunk t;
	struct str uri = STR_NONE;

	if (sip_uri_is_valid(text))
		ASSERT(sip_uri_host(text).n > 0 && sip_uri_host(text).n < text.n);
	if (is_err(json_parse(text, (struct json_limits){ 1 << 16, 16 }, &d, NULL)))
		return 0;
	struct arena *a = arena_new();
	if (json_type(json_doc_root(d)) == JSON_OBJECT) {
		if (sip_trunk_decode(json_doc_root(d), "", a, &faults, &t))
			check_trunk(&t);
		if (sip_agent_decode(json_doc_root(d), "", a, &faults, &uri))
			ASSERT(sip_uri_is_valid(uri));
	}
	arena_free(a);
	json_doc_free(d);
	return 0;
}
