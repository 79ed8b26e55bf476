/* The settings of a trunk of the SIP dialer and the endpoint of an agent, as the API takes them and as
 * the dialer gets them. One decoder serves both, so that what was accepted can be used. Pure. */
#ifndef BELFRY_WIRE_SIP_TRUNK_H
#define BELFRY_WIRE_SIP_TRUNK_H

#include "domain/outcome.h"
#include "json/json_in.h"

enum sip_transport { SIP_UDP = 0, SIP_TCP, SIP_TLS, SIP_BY_DNS, SIP_TRANSPORT_COUNT };

#define SIP_OVERRIDES_MAX 32
#define SIP_URI_MAX 255
#define SIP_CA_MAX 5000 /* bytes of PEM */

/* "486" or "q850:17": that answer of the carrier means this outcome. */
struct sip_override {
	int sip, q850; /* one of them; 0 = the other */
	enum outcome outcome;
};

struct sip_trunk {
	struct str host; /* name or address, with ":port" where it has one */
	enum sip_transport transport;
	struct str username, password;
	bool is_late_offer;       /* flow: RFC 3725 Flow I instead of early offer */
	bool is_agent_on_ringing; /* agent_start: ringing instead of answer */
	struct str advertise_ip;
	struct str ca;          /* PEM; none = the system's authorities */
	struct str verify_host; /* of the certificate; none = host */
	struct str from_domain; /* of the caller's address; none = host */
	int64_t max_concurrent; /* 0 = no limit of its own */
	double calls_per_second;
	usec_t keep_alive_us; /* between two OPTIONS; 0 = none */
	struct sip_override overrides[SIP_OVERRIDES_MAX];
	size_t overrides_n;
};

/* Strings are copied into the arena. `base` is the JSON pointer of the object. True without a
 * fault. */
bool sip_trunk_decode(const struct json_value *settings, const char *base, struct arena *a,
		      struct json_faults *faults, struct sip_trunk *out);
/* A member that a trunk of this dialer may have. */
bool sip_trunk_has_member(struct str name);
/* An override beats the table of outcomes. */
enum outcome sip_trunk_outcome(const struct sip_trunk *t, const struct outcome_sip *s);

/* {"sip_uri": "sip:..."}; true without a fault. */
bool sip_agent_decode(const struct json_value *endpoint, const char *base, struct arena *a,
		      struct json_faults *faults, struct str *uri_out);
/* "sip:" or "sips:", a host, no blanks, quotes, brackets or control characters. */
bool sip_uri_is_valid(struct str uri);
/* The host of such an URI, without user, port and parameters. */
struct str sip_uri_host(struct str uri);

#endif
