/* TLS as a webhook needs it: the certificate is verified, old versions are refused, and a known
 * receiver's session is resumed although each request has a connection of its own. */
#include "http_receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

struct tls_site {
	struct loop *loop;
	struct evconnlistener *listener;
	SSL_CTX *ctx;
	int port;
	char ca_file[64];
	struct bufferevent *peers[8];
	size_t n_peers;
	int n_resumed;
};

static void on_read(struct bufferevent *bev, void *arg)
{
	static const char ok[] = OK200 "Content-Length: 2\r\n\r\nok";
	struct tls_site *s = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	if (evbuffer_search(in, "\r\n\r\n", 4, NULL).pos < 0)
		return;
	s->n_resumed += SSL_session_reused(bufferevent_openssl_get_ssl(bev));
	evbuffer_drain(in, evbuffer_get_length(in));
	bufferevent_write(bev, ok, sizeof(ok) - 1);
}

static void on_accept(struct evconnlistener *l, int fd, struct sockaddr *sa, int size, void *arg)
{
	struct tls_site *s = arg;
	(void)l;
	(void)sa;
	(void)size;
	assert_true(s->n_peers < ARRAY_LEN(s->peers));
	struct bufferevent *bev =
		bufferevent_openssl_socket_new(loop_base(s->loop), fd, SSL_new(s->ctx),
					       BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(bev);
	bufferevent_setcb(bev, on_read, NULL, NULL, s);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	s->peers[s->n_peers++] = bev;
}

/* A self-signed certificate for that name, good from a day ago; the context serves it, the file
 * makes it trusted. */
static void make_certificate(struct tls_site *s, const char *alt_name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509V3_CTX v3;
	assert_non_null(key);
	assert_non_null(cert);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const unsigned char *)"belfry test", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509V3_set_ctx(&v3, cert, cert, NULL, NULL, 0);
	X509_EXTENSION *alt = X509V3_EXT_conf_nid(NULL, &v3, NID_subject_alt_name, alt_name);
	assert_non_null(alt);
	X509_add_ext(cert, alt, -1);
	X509_EXTENSION_free(alt);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_int_equal(SSL_CTX_use_certificate(s->ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(s->ctx, key), 1);
	snprintf(s->ca_file, sizeof(s->ca_file), "/tmp/belfry-test-ca-XXXXXX");
	int fd = mkstemp(s->ca_file);
	FILE *f = fdopen(fd, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, cert), 1);
	assert_int_equal(fclose(f), 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static struct tls_site *open_tls(struct loop *l, const char *alt_name)
{
	struct tls_site *s = xcalloc(1, sizeof(*s));
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->loop = l;
	s->ctx = SSL_CTX_new(TLS_server_method());
	assert_non_null(s->ctx);
	SSL_CTX_set_session_id_context(s->ctx, (const unsigned char *)"test", 4);
	make_certificate(s, alt_name);
	s->listener = evconnlistener_new_bind(loop_base(l), on_accept, s,
					      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16,
					      (struct sockaddr *)&at, sizeof(at));
	assert_non_null(s->listener);
	assert_int_equal(
		getsockname(evconnlistener_get_fd(s->listener), (struct sockaddr *)&at, &size), 0);
	s->port = ntohs(at.sin_port);
	return s;
}

static void close_tls(struct tls_site *s)
{
	for (size_t i = 0; i < s->n_peers; i++)
		bufferevent_free(s->peers[i]);
	evconnlistener_free(s->listener);
	SSL_CTX_free(s->ctx);
	unlink(s->ca_file);
	free(s);
}

/* Posts to the site, trusting its certificate or only the system's. */
static enum http_outcome try_tls(const char *alt_name, bool is_trusted, int version_max)
{
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct tls_site *s = open_tls(d->loop, alt_name);
	struct http_client_options o = desk_defaults;
	char url[64];
	if (version_max) {
		/* what OpenSSL calls security level 1 no longer signs for these */
		SSL_CTX_set_security_level(s->ctx, 0);
		SSL_CTX_set_min_proto_version(s->ctx, TLS1_VERSION);
		SSL_CTX_set_max_proto_version(s->ctx, version_max);
	}
	o.policy = d->policy;
	o.ca_file = is_trusted ? s->ca_file : NULL;
	http_client_free(d->client);
	d->client = http_client_new(d->loop, &o);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/hook", s->port);
	desk_post_and_wait(d, url);
	enum http_outcome outcome = d->last.outcome;
	close_tls(s);
	desk_close(d);
	return outcome;
}

static void a_trusted_certificate_for_the_name_is_needed(void **state)
{
	(void)state;
	assert_int_equal(try_tls("IP:127.0.0.1", true, 0), HTTP_OUT_RESPONSE);
	assert_int_equal(try_tls("IP:127.0.0.1", false, 0), HTTP_OUT_TLS);
	assert_int_equal(try_tls("DNS:example.test", true, 0), HTTP_OUT_TLS);
}

static void old_versions_are_refused(void **state)
{
	(void)state;
	assert_int_equal(try_tls("IP:127.0.0.1", true, TLS1_2_VERSION), HTTP_OUT_RESPONSE);
	assert_int_equal(try_tls("IP:127.0.0.1", true, TLS1_1_VERSION), HTTP_OUT_TLS);
}

static void what_does_not_speak_tls_is_told(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct http_peer *p = NULL;
	struct receiver *r = receiver_open(d->loop, "", THEN_HOLD);
	char url[64];
	receiver_url(r, "https", url);
	assert_ok(desk_post(d, url));
	while (r->n_peers == 0)
		assert_int_equal(loop_run(d->loop), 0);
	p = r->peers[0];
	peer_say(p, "220 this is not TLS at all\r\n");
	until(d->loop, desk_is_done, d);
	assert_int_equal(d->last.outcome, HTTP_OUT_TLS);
	receiver_close(r);
	desk_close(d);
}

static void sessions_are_resumed_over_fresh_connections(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct tls_site *s = open_tls(d->loop, "IP:127.0.0.1");
	struct http_client_options o = desk_defaults;
	char url[64];
	o.policy = d->policy;
	o.ca_file = s->ca_file;
	http_client_free(d->client);
	d->client = http_client_new(d->loop, &o);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/hook", s->port);
	for (int i = 0; i < 3; i++) {
		desk_post_and_wait(d, url);
		assert_int_equal(d->last.outcome, HTTP_OUT_RESPONSE);
	}
	assert_int_equal(s->n_peers, 3);
	assert_int_equal(s->n_resumed, 2);
	close_tls(s);
	desk_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trusted_certificate_for_the_name_is_needed),
		cmocka_unit_test(old_versions_are_refused),
		cmocka_unit_test(what_does_not_speak_tls_is_told),
		cmocka_unit_test(sessions_are_resumed_over_fresh_connections),
	};

	return cmocka_run_group_tests_name("http_client_tls", tests, NULL, NULL);
}
