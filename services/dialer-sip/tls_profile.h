/* What TLS means here: libre accepts any certificate by itself, so its context is told to verify the
 * peer's chain and name, and to speak TLS 1.2 at least. */
#ifndef DIALER_SIP_TLS_PROFILE_H
#define DIALER_SIP_TLS_PROFILE_H

struct tls;

/* `ca` is PEM, empty for the system's authorities; `host` what the certificate must name,
 * borrowed for the context's life. An errno on failure. */
int tls_profile_new(const char *ca, const char *host, struct tls **out);

#endif
