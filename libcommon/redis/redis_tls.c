/* TLS under a connection: TLS 1.2 or newer, the certificate checked against authorities and name. */
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "redis/redis_internal.h"

struct err redis_tls_new(const struct redis_url *u, struct ssl_ctx_st **out)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	ASSERT(ctx != NULL);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	bool is_good = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;
	if (u->ca[0] != '\0')
		is_good = is_good && SSL_CTX_load_verify_locations(ctx, u->ca, NULL) == 1;
	else
		is_good = is_good && SSL_CTX_set_default_verify_paths(ctx) == 1;
	if (!is_good) {
		ERR_clear_error();
		SSL_CTX_free(ctx);
		return ERR(ERR_INVALID,
			   "the authorities that the URL of Redis names (ca=) cannot be "
			   "read");
	}
	*out = ctx;
	return OK;
}

void redis_tls_free(struct ssl_ctx_st *ctx)
{
	SSL_CTX_free(ctx);
}

/* A literal address is looked for among the certificate's addresses, and is no name to ask for. */
static bool set_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return true;
	ERR_clear_error();
	return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
	       SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
			(void *)(uintptr_t)name) == 1; /* its macro casts the const away */
}

struct bufferevent *redis_tls_socket(const struct redis *r)
{
	SSL *ssl = SSL_new(r->tls);

	ASSERT(ssl != NULL);
	if (!set_name(ssl, r->url.tls_name[0] != '\0' ? r->url.tls_name : r->target.name)) {
		ERR_clear_error();
		SSL_free(ssl);
		return NULL;
	}
	struct bufferevent *bev = bufferevent_openssl_socket_new(
		loop_base(r->loop), -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	if (bev != NULL)
		/* A server that is killed says no goodbye; replies have their own framing. */
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

const char *redis_tls_fault(struct bufferevent *bev, char out[256])
{
	unsigned long code = bufferevent_get_openssl_error(bev);
	const SSL *ssl = bufferevent_openssl_get_ssl(bev);
	long verdict = ssl != NULL ? SSL_get_verify_result(ssl) : X509_V_OK;

	if (verdict != X509_V_OK)
		(void)snprintf(out, 256, "%s", X509_verify_cert_error_string(verdict));
	else if (code != 0)
		ERR_error_string_n(code, out, 256);
	else
		return NULL;
	return out;
}
