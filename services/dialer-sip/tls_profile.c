/* On libre's SSL_CTX; each connection copies it. */
#include "tls_profile.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string.h>

#include "re_api.h"

#define CA_CERTIFICATES_MAX 64

static int add_authorities(SSL_CTX *ctx, const char *pem)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	int n = 0;

	for (X509 *x;
	     in && n < CA_CERTIFICATES_MAX && (x = PEM_read_bio_X509(in, NULL, NULL, NULL)); n++) {
		(void)X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x); /* it may be there */
		X509_free(x);
	}
	BIO_free(in);
	ERR_clear_error(); /* the end of the text is an error of the reader */
	return n > 0 ? 0 : EINVAL;
}

/* The name that the peer picks its certificate by. Literal addresses have none (RFC 6066). */
static void on_info(const SSL *ssl, int where, int value)
{
	const char *host = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	(void)value;
	if ((where & SSL_CB_HANDSHAKE_START) && host)
		(void)SSL_ctrl((SSL *)(uintptr_t)ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
			       TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)host);
}

int tls_profile_new(const char *ca, const char *host, struct tls **out)
{
	struct tls *tls = NULL;
	struct sa literal;
	int err = tls_alloc(&tls, TLS_METHOD_SSLV23, NULL, NULL);

	if (err)
		return err;
	SSL_CTX *ctx = tls_openssl_context(tls);
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
	bool is_literal = sa_set_str(&literal, host, 0) == 0;
	bool is_set = is_literal ? X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1
				 : X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
	if (!is_set || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		err = EINVAL;
	if (!err && *ca)
		err = add_authorities(ctx, ca);
	else if (!err && SSL_CTX_set_default_verify_paths(ctx) != 1)
		err = ENOENT;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (!err && !is_literal) {
		SSL_CTX_set_info_callback(ctx, on_info);
		err = SSL_CTX_set_app_data(ctx, (void *)(uintptr_t)host) == 1 ? 0 : ENOMEM;
	}
	if (err) {
		ERR_clear_error();
		mem_deref(tls);
		return err;
	}
	*out = tls;
	return 0;
}
