#include "http/http_outcome.h"

const char *http_outcome_name(enum http_outcome o)
{
	switch (o) {
	case HTTP_OUT_RESPONSE:
		return "response";
	case HTTP_OUT_TIMEOUT:
		return "timeout";
	case HTTP_OUT_DNS:
		return "dns_error";
	case HTTP_OUT_CONNECT:
		return "connect_error";
	case HTTP_OUT_TLS:
		return "tls_error";
	case HTTP_OUT_BLOCKED_IP:
		return "blocked_ip";
	case HTTP_OUT_RESET:
		return "reset";
	case HTTP_OUT_BAD_RESPONSE:
		return "bad_response";
	case HTTP_OUTCOME_COUNT:
		break;
	}
	return "unknown";
}

/* The hundred codes of libcurl, most of which cannot happen here: what is not named is a connection
 * that broke. */
enum http_outcome http_outcome_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_OUT_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_OUT_DNS;
	case CURLE_COULDNT_CONNECT:
	case CURLE_URL_MALFORMAT: /* nowhere to connect to; refused when an endpoint is made */
	case CURLE_LOGIN_DENIED:  /* a user name in the URL; the same */
		return HTTP_OUT_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_ENGINE_SETFAILED:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_SSL_SHUTDOWN_FAILED:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_USE_SSL_FAILED:
		return HTTP_OUT_TLS;
	case CURLE_UNSUPPORTED_PROTOCOL: /* what HTTP/0.9 is called */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_OUT_OF_MEMORY: /* a header line over libcurl's own limit */
		return HTTP_OUT_BAD_RESPONSE;
	default:
		return HTTP_OUT_RESET;
	}
}
